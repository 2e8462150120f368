// Tables whose cells are centred from top to bottom: a short cell stands between the lines of a wrapped one beside it.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// Rows with all lines of their cells, from the top; none where the parts of `columns` are no such table.
std::vector<Parts> centred_rows(const std::vector<Parts>& columns, int height);

}  // namespace lectern
