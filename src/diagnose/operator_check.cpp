#include "diagnose/operator_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>

#include "device/cases/operator_cases.h"
#include "device/cases/row_cases.h"
#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Whether everything is there that the trial calls besides the operator itself.
bool can_run(const OperatorTable& table, Operator which, DataType type) {
  return !table.is_absent(which, type) && !table.is_absent(Operator::copy, type) &&
         !table.is_absent(Operator::copy, DataType::f32);
}

// bf16 has three bits less than f16. A relative bias may be ten and more, and its error is that of an exponent.
double max_error(DataType type) { return type == DataType::f32 ? 1e-4 : type == DataType::f16 ? 3e-2 : 6e-2; }

// With a failure where the operator is absent.
OperatorCheck begin_check(Operator which, const std::string& variant, Device& device, DataType type) {
  OperatorCheck result;
  result.name = std::string(name_of(which)) + variant;
  result.type = has_compute_types(which) ? type : DataType::f32;
  result.how = device.operators().describe(which, result.type);
  result.max_error = max_error(result.type);
  if (!can_run(device.operators(), which, result.type)) result.failure = "absent";
  return result;
}

template <typename Body>
void run_check(OperatorCheck& result, const Body& body) {
  try {
    body();
  } catch (const DeviceFailure&) {
    throw;
  } catch (const Error& error) {
    result.failure = error.what();
  } catch (const std::bad_alloc&) {
    result.failure = "not enough memory";
  }
}

OperatorCheck check(const OperatorCase& one, Device& device, DataType type, Device& reference) {
  OperatorCheck result = begin_check(one.which, one.variant, device, type);
  if (!result.failure.empty()) return result;
  run_check(result, [&] {
    OperatorTrial expected(reference, DataType::f32, OperatorTrial::Wants::time);
    one.run(expected);
    OperatorTrial got(device, result.type, OperatorTrial::Wants::time);
    one.run(got);
    result.error = relative_error(got.result, expected.result);
    result.seconds = got.seconds;
    result.reference_seconds = expected.seconds;
  });
  return result;
}

// Largest difference between a row of `got` and the same row among all of them, of the kind that it has; some number
// that is not 0 where only bits differ.
double row_error(std::span<const float> got, std::span<const int32_t> rows, int64_t written,
                 const std::array<std::vector<float>, 2>& all) {
  double error = 0;
  const size_t width = all[0].size() / static_cast<size_t>(row_case_sources);
  if (got.size() != rows.size() * width) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& of_kind = all[static_cast<int64_t>(i) < written ? 1 : 0];
    const auto own = got.subspan(i * width, width);
    const auto expected = std::span(of_kind).subspan(static_cast<size_t>(rows[i]) * width, width);
    error = std::max(error, relative_error(own, expected));
    if (std::memcmp(own.data(), expected.data(), own.size_bytes()) != 0)
      error = std::max(error, std::numeric_limits<double>::min());
  }
  return error;
}

// Whether rows have the same results alone, among others and behind others, bit for bit.
double row_error(const RowCase& one, Device& device, DataType type) {
  const auto run = [&](std::span<const int32_t> rows, int64_t written) {
    OperatorTrial trial(device, type, OperatorTrial::Wants::result);
    return one.run(trial, rows, written);
  };
  std::vector<int32_t> every(static_cast<size_t>(row_case_sources));
  std::iota(every.begin(), every.end(), 0);
  const std::vector<float> of_prompts = run(every, 0);
  const std::array all = {of_prompts, one.has_written ? run(every, row_case_sources) : of_prompts};
  std::vector<std::vector<int32_t>> choices = {{0}, {row_case_sources - 1}, {31, 2, 17}};
  choices.emplace_back(every.rbegin(), every.rend());
  choices.emplace_back(every.begin() + 5, every.begin() + 22);
  for (int i = 0; i < 3; ++i) choices.back().insert(choices.back().end(), every.begin(), every.end());
  double error = 0;
  for (const std::vector<int32_t>& rows : choices) {
    const auto count = static_cast<int64_t>(rows.size());
    for (const int64_t written : {int64_t{0}, count / 2, count}) {
      if (written == 0 || one.has_written) error = std::max(error, row_error(run(rows, written), rows, written, all));
    }
  }
  return error;
}

OperatorCheck check_rows(const RowCase& one, Device& device, DataType type) {
  OperatorCheck result =
      begin_check(one.which, one.variant + std::string(", rows alone and among others"), device, type);
  result.max_error = 0;
  if (result.failure.empty()) run_check(result, [&] { result.error = row_error(one, device, result.type); });
  return result;
}

}  // namespace

double relative_error(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (!std::isfinite(d)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

std::vector<OperatorCheck> check_operators(Device& device, DataType type, Device& reference,
                                           const std::function<void(const OperatorCheck&)>& done) {
  std::vector<OperatorCheck> results;
  for (const OperatorCase& one : operator_cases()) {
    results.push_back(check(one, device, type, reference));
    if (done) done(results.back());
  }
  for (const RowCase& one : row_cases()) {
    results.push_back(check_rows(one, device, type));
    if (done) done(results.back());
  }
  return results;
}

}  // namespace lectern
