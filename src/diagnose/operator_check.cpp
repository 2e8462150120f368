#include "diagnose/operator_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "device/device_failure.h"
#include "device/operator_cases.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int timed_calls = 3;

// Whether everything is there that the trial calls besides the operator itself.
bool can_run(const OperatorTable& table, Operator which, DataType type) {
  return !table.is_absent(which, type) && !table.is_absent(Operator::copy, type) &&
         !table.is_absent(Operator::copy, DataType::f32);
}

// bf16 has three bits less than f16. A relative bias may be ten and more, and its error is that of an exponent.
double most_error(DataType type) { return type == DataType::f32 ? 1e-4 : type == DataType::f16 ? 3e-2 : 6e-2; }

OperatorCheck check(const OperatorCase& one, Device& device, DataType type, Device& reference) {
  OperatorCheck result;
  result.name = std::string(name_of(one.which)) + one.variant;
  result.type = has_inner_types(one.which) ? type : DataType::f32;
  result.how = device.operators().describe(one.which, result.type);
  result.most_error = most_error(result.type);
  if (!can_run(device.operators(), one.which, result.type)) {
    result.failure = "absent";
    return result;
  }
  try {
    OperatorTrial expected(reference, DataType::f32, timed_calls);
    one.run(expected);
    OperatorTrial got(device, result.type, timed_calls);
    one.run(got);
    result.error = relative_error(got.result, expected.result);
    result.seconds = got.seconds;
    result.reference_seconds = expected.seconds;
  } catch (const DeviceFailure&) {
    throw;
  } catch (const Error& error) {
    result.failure = error.what();
  } catch (const std::bad_alloc&) {
    result.failure = "not enough memory";
  }
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
  return results;
}

}  // namespace lectern
