// Lines of a page grouped from the top: those in the same columns, and those across them.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// White between columns, in heights of a line.
constexpr double min_gutter = 0.6;

// Every part belongs to one group.
std::vector<Parts> groups_of(Parts parts);

}  // namespace lectern
