#include "lines/segmentation/tables/ruled_tables.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "lines/segmentation/line_parts.h"
#include "lines/segmentation/part_grid.h"

namespace lectern {
namespace {

// In heights of letters.
constexpr double min_edge_distance = 0.4;  // rules closer to each other are one, drawn twice
constexpr double min_column = 1.5;         // narrower cells hold single letters, as the boxes of a form
constexpr double touching = 0.6;           // ends of rules that meet
constexpr double prose_width = 20;
constexpr size_t max_cell_lines = 12, max_prose_lines = 5;
constexpr size_t min_filled = 3;
constexpr size_t min_parted_rows = 3;
constexpr double max_over_edge = 0.2;  // of a line, over the edge of its row
constexpr size_t max_rules = 600;      // of a page; tables are not searched for among more

bool meet(const PixelBox& a, const PixelBox& b, int margin) {
  return a.left <= b.right + margin && b.left <= a.right + margin && a.top <= b.bottom + margin &&
         b.top <= a.bottom + margin;
}

// Groups of rules that touch each other, directly or through others.
std::vector<Rules> connected(const Rules& rules, int margin) {
  const size_t across = rules.across.size(), count = across + rules.down.size();
  const auto box = [&](size_t i) { return i < across ? rules.across[i] : rules.down[i - across]; };
  std::vector<bool> taken(count);
  std::vector<Rules> groups;
  for (size_t seed = 0; seed < count; ++seed) {
    if (taken[seed]) continue;
    std::vector<size_t> members = {seed};
    taken[seed] = true;
    for (size_t m = 0; m < members.size(); ++m) {
      for (size_t i = 0; i < count; ++i) {
        if (taken[i] || !meet(box(members[m]), box(i), margin)) continue;
        taken[i] = true;
        members.push_back(i);
      }
    }
    Rules& group = groups.emplace_back();
    for (const size_t i : members) (i < across ? group.across : group.down).push_back(box(i));
  }
  return groups;
}

// Sorts places, and joins those closer than `least`.
std::vector<int> edges_of(std::vector<int> places, int least) {
  std::ranges::sort(places);
  std::vector<int> edges;
  for (const int place : places) {
    if (edges.empty() || place - edges.back() >= least) edges.push_back(place);
  }
  return edges;
}

bool covers(int first, int last, int at) { return first <= at && at <= last; }

size_t index_of(const std::vector<int>& edges, int at) {
  return static_cast<size_t>(std::ranges::upper_bound(edges, at) - edges.begin()) - 1;
}

// Merges each cell with the one on its left or above it if no rule is between them.
void merge_cells(const Rules& rules, int margin, RuledTable& table) {
  const size_t columns = table.columns.size() - 1, rows = table.rows.size() - 1;
  table.cells.resize(columns * rows);
  for (size_t r = 0; r < rows; ++r) {
    const int y = (table.rows[r] + table.rows[r + 1]) / 2;
    for (size_t c = 0; c < columns; ++c) {
      const int x = (table.columns[c] + table.columns[c + 1]) / 2;
      const auto parted = [&](const std::vector<PixelBox>& by, bool down) {
        return std::ranges::any_of(by, [&](const PixelBox& rule) {
          return down ? std::abs(rule.left - table.columns[c]) <= margin && covers(rule.top, rule.bottom, y)
                      : std::abs(rule.top - table.rows[r]) <= margin && covers(rule.left, rule.right, x);
        });
      };
      TextBlock::Cell& cell = table.cells[r * columns + c];
      cell = {static_cast<int>(r), static_cast<int>(c)};
      if (c > 0 && !parted(rules.down, true)) {
        cell = table.cells[r * columns + c - 1];
      } else if (r > 0 && !parted(rules.across, false)) {
        cell = table.cells[(r - 1) * columns + c];
      }
    }
  }
}

// A dark bar as wide as the table right above it is its heading, whose cells are the table's columns.
void add_heading(const std::vector<PixelBox>& bars, int letter_height, RuledTable& table) {
  const PixelBox box = table.box();
  const size_t columns = table.columns.size() - 1;
  for (const PixelBox& bar : bars) {
    const bool above = std::abs(bar.bottom - box.top) <= letter_height && bar.top < box.top - letter_height;
    if (!above || std::abs(bar.left - box.left) > letter_height || std::abs(bar.right - box.right) > letter_height)
      continue;
    table.rows.insert(table.rows.begin(), bar.top);
    for (TextBlock::Cell& cell : table.cells) ++cell.row;
    std::vector<TextBlock::Cell> heading(columns);
    for (size_t c = 0; c < columns; ++c) heading[c] = {0, static_cast<int>(c)};
    table.cells.insert(table.cells.begin(), heading.begin(), heading.end());
    return;
  }
}

struct CellText {
  Letters letters;
  std::vector<TextLine> lines;
};

// Splits cells that were merged since the rules between rows are too faint in a column: if every row of such a cell
// holds one of its lines, like the row numbers of a sheet.
void part_by_rows(const RuledTable& table, std::vector<CellText>& cells, int letter_height) {
  const size_t columns = table.columns.size() - 1, rows = table.rows.size() - 1;
  const auto slack = static_cast<int>(max_over_edge * letter_height);
  for (size_t i = 0; i < cells.size(); ++i) {
    const size_t first = i / columns, column = i % columns;
    size_t end = first;
    const auto is_here = [&](size_t row) {
      const TextBlock::Cell& cell = table.cells[row * columns + column];
      return static_cast<size_t>(cell.row) == first && static_cast<size_t>(cell.column) == column;
    };
    while (end < rows && is_here(end)) ++end;
    const std::vector<TextLine>& lines = cells[i].lines;
    if (lines.size() < min_parted_rows || lines.size() != end - first) continue;
    bool beside = true;
    for (size_t k = 0; k < lines.size() && beside; ++k) {
      beside =
          lines[k].box.top >= table.rows[first + k] - slack && lines[k].box.bottom <= table.rows[first + k + 1] + slack;
    }
    if (!beside) continue;
    std::vector<TextLine> parted = std::move(cells[i].lines);
    for (size_t k = 0; k < parted.size(); ++k) cells[(first + k) * columns + column].lines = {std::move(parted[k])};
  }
}

// Whether the contents are those of a table.
bool is_table(const RuledTable& table, const std::vector<CellText>& cells, int letter_height) {
  size_t filled = 0, prose = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::vector<TextLine>& lines = cells[i].lines;
    if (lines.empty()) continue;
    ++filled;
    const size_t column = i % (table.columns.size() - 1);
    const int width = table.columns[column + 1] - table.columns[column];
    if (lines.size() > max_cell_lines || (lines.size() > max_prose_lines && width > prose_width * letter_height))
      ++prose;
  }
  return filled >= min_filled && prose * 3 <= filled;
}

}  // namespace

std::optional<TextBlock::Cell> RuledTable::cell_at(int x, int y) const {
  if (!covers(columns.front(), columns.back() - 1, x) || !covers(rows.front(), rows.back() - 1, y)) return std::nullopt;
  return cells[index_of(rows, y) * (columns.size() - 1) + index_of(columns, x)];
}

std::vector<RuledTable> find_ruled_tables(const Rules& rules, const std::vector<PixelBox>& bars, int letter_height) {
  std::vector<RuledTable> tables;
  if (letter_height == 0 || rules.across.size() + rules.down.size() > max_rules) return tables;
  const int margin = std::max(2, static_cast<int>(touching * letter_height));
  for (const Rules& group : connected(rules, margin)) {
    if (group.across.size() < 2 || group.down.empty()) continue;
    std::vector<int> xs, ys;
    for (const PixelBox& rule : group.down) xs.push_back((rule.left + rule.right) / 2);
    for (const PixelBox& rule : group.across) {
      ys.push_back(rule.middle());
      xs.push_back(rule.left);
      xs.push_back(rule.right);
    }
    for (const PixelBox& rule : group.down) ys.push_back(rule.top), ys.push_back(rule.bottom);
    const int least = static_cast<int>(min_edge_distance * letter_height);
    RuledTable table = {edges_of(std::move(xs), least), edges_of(std::move(ys), least), {}};
    if (table.columns.size() < 3 || table.rows.size() < 3) continue;
    const int columns = static_cast<int>(table.columns.size()) - 1;
    if (table.box().width() < min_column * letter_height * columns) continue;
    merge_cells(group, least, table);
    add_heading(bars, letter_height, table);
    tables.push_back(std::move(table));
  }
  // Of a table within a cell of another, the outer one stays.
  std::ranges::sort(tables, [](const RuledTable& a, const RuledTable& b) {
    const auto area = [](const PixelBox& box) { return static_cast<int64_t>(box.width()) * box.height(); };
    return area(a.box()) > area(b.box());
  });
  std::vector<RuledTable> outer;
  for (RuledTable& table : tables) {
    const auto inside = [&](const RuledTable& other) { return meet(table.box(), other.box(), -letter_height); };
    if (std::ranges::none_of(outer, inside)) outer.push_back(std::move(table));
  }
  return outer;
}

std::vector<TextBlock> take_ruled_tables(const std::vector<RuledTable>& tables, Letters& letters) {
  std::vector<TextBlock> blocks;
  for (const RuledTable& table : tables) {
    const size_t columns = table.columns.size() - 1;
    std::vector<CellText> cells(table.cells.size());
    Letters left;
    const auto sort_in = [&](const std::vector<PixelBox>& from, std::vector<PixelBox> Letters::*member) {
      for (const PixelBox& box : from) {
        const auto cell = table.cell_at((box.left + box.right) / 2, box.middle());
        Letters& to =
            cell ? cells[static_cast<size_t>(cell->row) * columns + static_cast<size_t>(cell->column)].letters : left;
        (to.*member).push_back(box);
      }
    };
    sort_in(letters.letters, &Letters::letters);
    sort_in(letters.marks, &Letters::marks);
    for (CellText& cell : cells) {
      cell.letters.height = letters.height;
      cell.letters.check_boxes = letters.check_boxes;
      // Marks alone in a cell, which have no line to belong to, count as letters.
      if (cell.letters.letters.empty()) std::swap(cell.letters.letters, cell.letters.marks);
      if (!cell.letters.letters.empty()) cell.lines = whole_lines(find_line_parts(cell.letters));
    }
    part_by_rows(table, cells, letters.height);
    if (!is_table(table, cells, letters.height)) continue;
    TextBlock block;
    block.kind = BlockKind::table;
    block.box = table.box();
    for (size_t i = 0; i < cells.size(); ++i) {
      for (TextLine& line : cells[i].lines) {
        block.lines.push_back(std::move(line));
        block.cells.push_back({static_cast<int>(i / columns), static_cast<int>(i % columns)});
      }
    }
    letters.letters = std::move(left.letters);
    letters.marks = std::move(left.marks);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace lectern
