// Exact replacements for operators that a device lacks, each made of operators that it has.
#pragma once

#include "device/operators.h"

namespace lectern {

// The table with every empty entry that can be replaced filled in: conv2d as unfold and linear.
Operators lower_missing(Operators table);

}  // namespace lectern
