// Labels: addresses, cards and the like in rows and columns, each read by itself and not line by line across.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Labels row by row, each of several lines. Empty unless rows stand in groups of equal height, and columns are evenly
// spaced and hold no figures.
std::vector<Parts> labels_of(const std::vector<Parts>& rows, const std::vector<Span>& columns, int height);

}  // namespace lectern
