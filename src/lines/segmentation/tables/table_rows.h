// Tables without rules, whose cells are parts of lines in columns.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// A table, and the lines above and below it that only happen to stand in its first column.
struct FoundTable {
  Parts above;
  TextBlock table;
  Parts below;
};

// `rows` from the top, at least min_table_rows, in several columns.
FoundTable make_table(std::vector<Parts> rows, const std::vector<Span>& columns);

// `rows` with all lines of their cells.
TextBlock table_of(const std::vector<Parts>& rows, const std::vector<Span>& columns);

}  // namespace lectern
