// What this machine can do at most, measured through the same libraries that the model uses.
#pragma once

#include "core/data_type.h"

namespace lectern::cpu {

// Operations a second (a multiplication and an addition are two) of a large product of f32, bf16 or u8 numbers,
// in 1e9; the best of several runs.
double peak_gops(DataType type);

// Bytes a second, in 1e9, at which all threads together read memory; the best of several access patterns and runs.
double peak_read_gbps();

}  // namespace lectern::cpu
