// What every operator is tried on: small inputs, the same on every device. diagnose/operator_check compares the results
// of two devices; a device whose software may lack kernels runs them when it is opened.
#pragma once

#include <span>

#include "device/cases/operator_trial.h"

namespace lectern {

struct OperatorCase {
  Operator which;
  void (*run)(OperatorTrial&);
  const char* variant = "";
};

// Of every operator, what others need before them.
std::span<const OperatorCase> operator_cases();

}  // namespace lectern
