// Ruled tables: the grid that rules make, and the letters in each of its cells.
#pragma once

#include <optional>
#include <vector>

#include "image/rules.h"
#include "lines/segmentation/letters.h"
#include "lines/text_page.h"

namespace lectern {

struct RuledTable {
  std::vector<int> columns;  // edges from the left, one more than there are columns
  std::vector<int> rows;     // edges from the top
  // [rows, columns]: the cell that the text of this one belongs to: itself or, if no rule is between them, the cell on
  // its left or above it.
  std::vector<TextBlock::Cell> cells;

  PixelBox box() const { return {columns.front(), rows.front(), columns.back(), rows.back()}; }
  // The cell around a point; nullopt outside.
  std::optional<TextBlock::Cell> cell_at(int x, int y) const;
};

// Grids of at least two rows and two columns, none within another.
std::vector<RuledTable> find_ruled_tables(const Rules& rules, const std::vector<PixelBox>& bars, int letter_height);

// Moves the letters within the tables from `letters` into blocks. What turns out not to be a table (columns of running
// text between rules, a letter in every cell) stays in `letters`.
std::vector<TextBlock> take_ruled_tables(const std::vector<RuledTable>& tables, Letters& letters);

}  // namespace lectern
