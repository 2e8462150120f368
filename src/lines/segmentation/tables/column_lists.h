// Lists side by side, each read by itself although their lines form rows like those of a table.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Whether entries flow from one column into the next, as in the index of a book: lines are tight, columns are evenly
// spaced, and the last column ends early or entries below others are indented.
bool is_flowing_list(const std::vector<Parts>& columns, int height);

// Columns grouped into lists: prices with their names, bullets with their lines. Empty unless there are several such
// lists that are not rows of one table.
std::vector<Parts> lists_side_by_side(const std::vector<Parts>& columns, int height);

}  // namespace lectern
