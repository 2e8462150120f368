// Operators of which a row's result depends on that row alone, as operators.h says: each can be run on any choice of
// the same rows, so that results can be compared. diagnose/operator_check does that on every device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/cases/operator_trial.h"

namespace lectern {

inline constexpr int32_t row_case_sources = 40;  // rows to choose from

struct RowCase {
  Operator which;
  // -> the results of `rows`, one after the other, of which the first `written` are of tokens that the model wrote.
  // They are the same as often as a new trial runs it.
  std::vector<float> (*run)(OperatorTrial& trial, std::span<const int32_t> rows, int64_t written);
  const char* variant = "";
  bool has_written = false;  // whether the operator is told which rows were written
};

std::span<const RowCase> row_cases();

}  // namespace lectern
