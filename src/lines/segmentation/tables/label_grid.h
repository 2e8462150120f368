// Addresses, cards and the like that stand in rows and columns: each is read by itself, not line by line across.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Labels row by row, each of several lines. Empty where there are none: rows do not stand in groups as high, columns
// are not as far from each other, or hold figures.
std::vector<Parts> labels_of(const std::vector<Parts>& rows, const std::vector<Span>& columns, int height);

}  // namespace lectern
