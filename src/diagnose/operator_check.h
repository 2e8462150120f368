// Checks of every operator on small inputs: a device against a reference device, and rows alone against the same rows
// in company.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/device.h"

namespace lectern {

struct OperatorCheck {
  std::string name;
  DataType type = DataType::f32;  // the compute type
  std::string how;                // "native", "absent", or what replaces it
  double error = 0;               // largest difference over the largest value; infinite where a value is no number
  double max_error = 0;           // that is allowed
  double seconds = 0;             // of one call, results waited for; 0 where rows are compared
  double reference_seconds = 0;
  std::string failure;  // not empty: it could not be run, and why
  bool passed() const { return failure.empty() && error <= max_error; }
};

// Of the operators that models call and of those that replacements are made of, with values of this compute type. The
// inputs are exact in every type. `done` is called after each. What fails is reported, not thrown; only DeviceFailure
// passes through.
std::vector<OperatorCheck> check_operators(Device& device, DataType type, Device& reference,
                                           const std::function<void(const OperatorCheck&)>& done = {});

// Largest difference over the largest value; infinite where a value is no number.
double relative_error(std::span<const float> got, std::span<const float> expected);

}  // namespace lectern
