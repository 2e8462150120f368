#include "lines/segmentation/tables/table_rows.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

namespace lectern {
namespace {

// In heights of a line.
constexpr double min_row_white = 0.7, max_line_white = 0.45;  // between rows of a table, and lines of one cell,
constexpr double max_line_share = 0.5;                        // of the white between rows
constexpr size_t min_pairs = 3;                               // of labels and what stands below them
constexpr double min_white_of_note = 1;                       // between a table and what is written below it
constexpr double max_off_edge = 0.5;                          // of lines of one cell
constexpr double max_off_tall = 0.5;                          // of a tall cell from the middle of its two rows
constexpr double min_begun = 0.6, min_wrapped = 4;            // rows with a first cell, and the width of wrapped text

// Whether a line is a heading above the table or a note below it, which only happens to stand in its first column.
bool stands_apart(const Parts& row, const Parts& table_row, const std::vector<Span>& columns) {
  if (row.size() > 1 || row.front().box.left >= columns[1].first) return false;
  const PixelBox box = box_of(row), other = box_of(table_row);
  const int white = std::max(box.top - other.bottom, other.top - box.bottom);
  return white >= min_white_of_note * row.front().height;
}

// A cell as tall as two rows that stands between them, and the upper row.
struct TallCell {
  Parts lines;
  PixelBox row;
};

// Removes rows that consist of such cells alone, between empty cells above and below.
std::vector<TallCell> take_tall_cells(std::vector<Parts>& rows, const std::vector<Span>& columns) {
  std::vector<TallCell> cells;
  for (size_t i = 1; i + 1 < rows.size();) {
    const std::vector<Parts> here = split(rows[i], columns), above = split(rows[i - 1], columns),
                             below = split(rows[i + 1], columns);
    bool tall = rows[i - 1].size() > 1 && rows[i + 1].size() > 1;
    for (size_t c = 0; c < columns.size(); ++c)
      tall = tall && (here[c].empty() || (above[c].empty() && below[c].empty()));
    const PixelBox upper = box_of(rows[i - 1]);
    const int off = box_of(rows[i]).middle() - (upper.middle() + box_of(rows[i + 1]).middle()) / 2;
    if (!tall || std::abs(off) > max_off_tall * rows[i].front().height) {
      ++i;
      continue;
    }
    cells.push_back({std::move(rows[i]), upper});
    rows.erase(rows.begin() + static_cast<ptrdiff_t>(i));
  }
  return cells;
}

// Whether a row only continues a cell of the row above: its first column is empty, unlike that of nearly all others.
void join_further_lines(std::vector<Parts>& rows, const std::vector<Span>& columns, int height) {
  const auto begins = [&](const Parts& row) { return row.front().box.left < columns[0].last; };
  const auto begun = std::ranges::count_if(rows, begins);
  if (static_cast<double>(begun) < min_begun * static_cast<double>(rows.size())) return;
  for (size_t i = 1; i < rows.size();) {
    const std::vector<Parts> cells = split(rows[i], columns), above = split(rows[i - 1], columns);
    bool further = !begins(rows[i]) && rows[i].size() == 1;
    for (size_t c = 1; c < columns.size() && further; ++c) {
      further = cells[c].empty() ||
                (!above[c].empty() && columns[c].last - columns[c].first >= min_wrapped * height &&
                 std::abs(cells[c].front().box.left - above[c].front().box.left) <= max_off_edge * height);
    }
    if (!further) {
      ++i;
      continue;
    }
    rows[i - 1].insert(rows[i - 1].end(), rows[i].begin(), rows[i].end());
    rows.erase(rows.begin() + static_cast<ptrdiff_t>(i));
  }
}

// Whether every second row stands close below the one above it and fills the same columns: captions in small print,
// above or below their fields, as in a form.
bool are_pairs(const std::vector<Parts>& rows, const std::vector<int>& whites, const std::vector<Span>& columns,
               double height) {
  if (rows.size() < 2 * min_pairs || rows.size() % 2 != 0) return false;
  int within = 0, between = std::numeric_limits<int>::max();
  for (size_t i = 0; i < whites.size(); ++i) {
    if (i % 2 != 0) {
      between = std::min(between, whites[i]);
      continue;
    }
    within = std::max(within, whites[i]);
    const std::vector<Parts> upper = split(rows[i], columns), lower = split(rows[i + 1], columns);
    for (size_t c = 0; c < columns.size(); ++c) {
      if (upper[c].empty() != lower[c].empty()) return false;
    }
  }
  return between >= min_row_white * height && within <= max_line_share * between;
}

// If rows have white between them, lines without it continue the cells above.
std::vector<Parts> rows_of_cells(std::vector<Parts> rows, const std::vector<Span>& columns) {
  std::vector<int> whites;
  for (size_t i = 1; i < rows.size(); ++i) whites.push_back(box_of(rows[i]).top - box_of(rows[i - 1]).bottom);
  std::vector<int> sorted = whites;
  std::ranges::sort(sorted);
  const double height = height_of(gathered(rows));
  const double usual = sorted.empty() ? 0 : sorted[sorted.size() / 2];
  const bool pairs = are_pairs(rows, whites, columns, height);
  if (usual < min_row_white * height && !pairs) return rows;
  // Rows close below others continue their cells everywhere or nowhere, whatever descenders the letters have there.
  double most = std::min(max_line_white * height, max_line_share * usual);
  const auto close = std::ranges::upper_bound(sorted, static_cast<int>(max_line_share * usual)) - sorted.begin();
  if (close > 0 && sorted[static_cast<size_t>(close) / 2] > most) most = -1;
  std::vector<Parts> cells = {std::move(rows.front())};
  for (size_t i = 1; i < rows.size(); ++i) {
    if (pairs ? i % 2 == 1 : whites[i - 1] <= most) {
      cells.back().insert(cells.back().end(), rows[i].begin(), rows[i].end());
    } else {
      cells.push_back(std::move(rows[i]));
    }
  }
  return cells;
}

}  // namespace

TextBlock table_of(const std::vector<Parts>& rows, const std::vector<Span>& columns) {
  TextBlock block;
  block.kind = BlockKind::table;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::vector<Parts> cells = split(rows[r], columns);
    for (size_t column = 0; column < cells.size(); ++column) {
      std::ranges::stable_sort(cells[column], {}, [](const TextLine& part) { return part.box.middle(); });
      for (const Parts& line : rows_of(cells[column])) {
        for (const TextLine& part : line) {
          block.lines.push_back(part);
          block.cells.push_back({static_cast<int>(r), static_cast<int>(column)});
        }
      }
    }
  }
  block.box = box_of(block.lines);
  return block;
}

FoundTable make_table(std::vector<Parts> rows, const std::vector<Span>& columns) {
  FoundTable found;
  while (rows.size() > min_table_rows && stands_apart(rows.front(), rows[1], columns)) {
    found.above.push_back(rows.front().front());
    rows.erase(rows.begin());
  }
  while (rows.size() > min_table_rows && stands_apart(rows.back(), rows[rows.size() - 2], columns)) {
    found.below.insert(found.below.begin(), rows.back().front());
    rows.pop_back();
  }
  const std::vector<TallCell> tall_cells = take_tall_cells(rows, columns);
  join_further_lines(rows, columns, height_of(gathered(rows)));
  rows = rows_of_cells(std::move(rows), columns);
  for (const TallCell& cell : tall_cells) {
    const auto row =
        std::ranges::find_if(rows, [&](const Parts& some) { return box_of(some).bottom >= cell.row.bottom; });
    row->insert(row->end(), cell.lines.begin(), cell.lines.end());
  }
  found.table = table_of(rows, columns);
  return found;
}

}  // namespace lectern
