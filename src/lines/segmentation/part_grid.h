// Parts of lines in rows and columns: which of them form a line, and which a table.
#pragma once

#include <span>
#include <vector>

#include "lines/text_page.h"

namespace lectern {

using Parts = std::vector<TextLine>;

// Median height of a line; 1 without parts.
int height_of(const Parts& parts);

// Box around at least one part.
PixelBox box_of(std::span<const TextLine> parts);

// Rows of parts that stand side by side, from the top; within a row from the left.
std::vector<Parts> rows_of(Parts parts);

// Each row as one line, from the top.
Parts whole_lines(Parts parts);

// Stretches along x that the parts cover, including white gaps narrower than `gap`.
struct Span {
  int first = 0;
  int last = 0;
};
std::vector<Span> columns_of(std::span<const TextLine> parts, double gap);

// Parts of each column, by where they begin.
std::vector<Parts> split(const Parts& parts, const std::vector<Span>& columns);

// All parts in one list.
Parts gathered(std::span<const Parts> some);

// Whether most rows have several cells, or prices, and the columns do not hold running text. `height`: of lines.
constexpr size_t min_table_rows = 2;
bool is_table(const std::vector<Parts>& columns, const std::vector<Parts>& rows, int height);

// Whether the last column holds prices or page numbers, each beside its entry.
bool is_price_list(const std::vector<Parts>& columns, const std::vector<Parts>& rows, int height);

// Joins parts of lines that were set wide to fill their column: a whole line above or below fills it too, and the white
// between all words is the same.
Parts join_justified(Parts parts);

}  // namespace lectern
