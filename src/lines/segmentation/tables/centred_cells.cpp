#include "lines/segmentation/tables/centred_cells.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

namespace lectern {
namespace {

// In heights of a line.
constexpr double max_line_white = 1.3;               // between lines of one cell,
constexpr double max_share = 0.7;                    // of the white between cells of its column
constexpr double max_off_middle = 0.3;               // of cells of one row
constexpr double max_off_edge = 0.5;                 // of lines of one cell
constexpr size_t min_rows = 3, min_uneven_rows = 2;  // of these, such whose cells differ in their lines
constexpr size_t max_lines = 600, max_lines_of_cell = 12;

struct Cell {
  Parts parts;
  size_t column = 0, lines = 0;
  PixelBox box;
};

// Of lines under each other.
int white_between(const Parts& upper, const Parts& lower) { return box_of(lower).top - box_of(upper).bottom; }

// Cells of a column: a line with at most `most` white above it continues the cell.
std::vector<Cell> cells_of(const std::vector<Parts>& lines, size_t column, int most) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i == 0 || white_between(lines[i - 1], lines[i]) > most) cells.push_back({{}, column, 0, box_of(lines[i])});
    Cell& cell = cells.back();
    cell.parts.insert(cell.parts.end(), lines[i].begin(), lines[i].end());
    cell.box.include(box_of(lines[i]));
    ++cell.lines;
  }
  return cells;
}

// Whether cells of a column have clearly more white between them than their lines, which are left-aligned or centred.
bool are_apart(const std::vector<Cell>& cells, const std::vector<Parts>& lines, int most, int height) {
  int between = std::numeric_limits<int>::max(), within = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    const int white = white_between(lines[i - 1], lines[i]);
    if (white > most) {
      between = std::min(between, white);
      continue;
    }
    within = std::max(within, white);
    const PixelBox a = box_of(lines[i - 1]), b = box_of(lines[i]);
    const double edge = max_off_edge * height;
    if (std::abs(a.left - b.left) > edge && std::abs(a.left + a.right - b.left - b.right) > 2 * edge) return false;
  }
  return within <= max_share * between &&
         std::ranges::all_of(cells, [](const Cell& cell) { return cell.lines <= max_lines_of_cell; });
}

// Rows of cells, each with a cell in the first column; empty if the cells are not centred on each other.
std::vector<Parts> rows_of_cells(std::vector<Cell> cells, int height) {
  std::ranges::stable_sort(cells, {}, [](const Cell& cell) { return cell.box.middle(); });
  std::vector<Parts> rows;
  size_t uneven = 0;
  int bottom = std::numeric_limits<int>::min();
  for (size_t first = 0; first < cells.size();) {
    size_t end = first + 1;
    const int middle = cells[first].box.middle();
    while (end < cells.size() && cells[end].box.middle() - middle <= max_off_middle * height) ++end;
    Parts row;
    PixelBox box = cells[first].box;
    size_t fewest = cells[first].lines, most = fewest;
    bool begins = false;
    for (size_t i = first; i < end; ++i) {
      for (size_t other = first; other < i; ++other) {
        if (cells[other].column == cells[i].column) return {};
      }
      begins = begins || cells[i].column == 0;
      box.include(cells[i].box);
      fewest = std::min(fewest, cells[i].lines);
      most = std::max(most, cells[i].lines);
      row.insert(row.end(), cells[i].parts.begin(), cells[i].parts.end());
    }
    if (!begins || end - first < 2 || box.top < bottom) return {};
    uneven += most > fewest ? 1 : 0;
    bottom = box.bottom;
    rows.push_back(std::move(row));
    first = end;
  }
  return rows.size() >= min_rows && uneven >= min_uneven_rows ? rows : std::vector<Parts>{};
}

}  // namespace

std::vector<Parts> centred_rows(const std::vector<Parts>& columns, int height) {
  std::vector<std::vector<Parts>> lines;
  std::vector<int> whites;
  size_t count = 0;
  for (const Parts& column : columns) {
    lines.push_back(rows_of(column));
    count += lines.back().size();
    for (size_t i = 1; i < lines.back().size(); ++i) {
      const int white = white_between(lines.back()[i - 1], lines.back()[i]);
      if (white <= max_line_white * height) whites.push_back(white);
    }
  }
  if (columns.size() < 2 || count > max_lines) return {};
  std::ranges::sort(whites, std::greater());
  whites.erase(std::unique(whites.begin(), whites.end()), whites.end());
  for (const int most : whites) {
    std::vector<Cell> cells;
    bool apart = true;
    for (size_t c = 0; c < lines.size() && apart; ++c) {
      std::vector<Cell> some = cells_of(lines[c], c, most);
      apart = are_apart(some, lines[c], most, height);
      std::ranges::move(some, std::back_inserter(cells));
    }
    if (!apart) continue;
    if (std::vector<Parts> rows = rows_of_cells(std::move(cells), height); !rows.empty()) return rows;
  }
  return {};
}

}  // namespace lectern
