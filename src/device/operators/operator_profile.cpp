#include "device/operators/operator_profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/stopwatch.h"
#include "device/device.h"

namespace lectern {
namespace {

// Seconds of the operators that the one now running on this thread has called; null outside of operators.
thread_local double* inner_seconds = nullptr;

class Nested {
 public:
  Nested() : outer_(inner_seconds) { inner_seconds = &inner_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
  ~Nested() { inner_seconds = outer_; }
  // -> those that are the operator's own
  double end(double seconds) const {
    if (outer_ != nullptr) *outer_ += seconds;
    return seconds - inner_;
  }

 private:
  double* outer_;
  double inner_ = 0;
};

std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds / 1e9) : "-";
}

}  // namespace

void OperatorProfile::record(Device& device, Operator which, DataType type, const Work& work,
                             const std::function<void()>& call) {
  const bool native = device.operators().lowering(which, type) == nullptr;
  double seconds = 0;
  {
    const Nested nested;
    const Stopwatch clock;
    call();
    device.synchronize();
    seconds = nested.end(clock.seconds());
  }
  const std::lock_guard lock(mutex_);
  Row& row = rows_[static_cast<size_t>(which)];
  row.which = which;
  ++row.calls;
  row.seconds += seconds;
  if (native) row.work += work;
}

void OperatorProfile::clear() {
  const std::lock_guard lock(mutex_);
  rows_ = {};
}

std::vector<OperatorProfile::Row> OperatorProfile::rows() const {
  const std::lock_guard lock(mutex_);
  std::vector<Row> called;
  std::ranges::copy_if(rows_, std::back_inserter(called), [](const Row& row) { return row.calls > 0; });
  std::ranges::stable_sort(called, std::greater(), &Row::seconds);
  return called;
}

std::string OperatorProfile::table() const {
  const std::vector<Row> called = rows();
  double total = 0;
  for (const Row& row : called) total += row.seconds;
  std::string text =
      fmt::format("{:<20}{:>9}{:>12}{:>8}{:>10}{:>9}\n", "operator", "calls", "time", "share", "GFLOP/s", "GB/s");
  for (const Row& row : called) {
    text += fmt::format("{:<20}{:>9}{:>10.3f} s{:>7.1f}%{:>10}{:>9}\n", name_of(row.which), row.calls, row.seconds,
                        total > 0 ? 100 * row.seconds / total : 0.0, rate(row.work.operations, row.seconds),
                        rate(row.work.bytes, row.seconds));
  }
  return text;
}

}  // namespace lectern
