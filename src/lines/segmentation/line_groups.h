// Lines of a page in groups from the top: what stands in the same columns, or in none.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// White between columns, in heights of a line.
constexpr double min_gutter = 0.6;

// All parts of the groups together are those given.
std::vector<Parts> groups_of(Parts parts);

}  // namespace lectern
