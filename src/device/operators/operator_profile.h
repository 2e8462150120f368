// Operator profile: calls and time of every operator of a device (Device::set_profile).
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "device/operators/operator_table.h"
#include "device/operators/operator_work.h"

namespace lectern {

// Thread-safe; several devices may share one.
class OperatorProfile {
 public:
  struct Row {
    Operator which = Operator::linear;
    uint64_t calls = 0;
    double seconds = 0;  // without the operators that it called itself, where it is lowered
    Work work;           // of calls that the device's own function served
  };

  // Calls the operator, waits until the device has done it, and adds what that took.
  void record(Device& device, Operator which, DataType type, const Work& work, const std::function<void()>& call);
  void clear();

  // The operators that were called, by falling time.
  std::vector<Row> rows() const;
  // As a table for people: operator, calls, time, share, GFLOP/s, GB/s. A lowered operator has no rate: those that it
  // is made of do.
  std::string table() const;

 private:
  mutable std::mutex mutex_;
  std::array<Row, operator_count> rows_{};
};

}  // namespace lectern
