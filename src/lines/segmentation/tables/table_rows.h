// Tables without rules: parts of lines in columns, as cells.
#pragma once

#include <vector>

#include "lines/segmentation/part_grid.h"

namespace lectern {

// A table and the lines that stand over its first column, or below it, by chance.
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
