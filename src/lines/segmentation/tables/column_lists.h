// Lists that stand beside each other, each read for itself, though their lines make rows as those of a table do.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Whether entries flow from one column on into the next, as in the index of a book: tight lines, columns as far from
// each other, and the last one ends early, or entries below others are indented.
bool is_flowing_list(const std::vector<Parts>& columns, int height);

// Columns gathered to lists: those of prices with their names, of bullets with their lines. Empty where there are not
// several such lists, or they are rows of one table.
std::vector<Parts> lists_side_by_side(const std::vector<Parts>& columns, int height);

}  // namespace lectern
