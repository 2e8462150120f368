// Tables with vertically centred cells: a short cell stands between the lines of a wrapped one beside it.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Rows with all lines of their cells, from the top; empty if `columns` are not such a table.
std::vector<Parts> centred_rows(const std::vector<Parts>& columns, int height);

}  // namespace lectern
