#include "lines/segmentation/tables/label_grid.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "core/quantile.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double max_uneven_step = 1;                        // from column to column
constexpr double max_line_step = 2, max_uneven_line = 0.35;  // from line to line of a label
constexpr double min_white = 0.8;                            // between labels, beyond that of their lines
constexpr double max_off_edge = 0.4;                         // of lines of a label
constexpr double max_off_level = 0.3;                        // of lines of one row
constexpr double min_width = 4.5;                            // of most lines of a column: others hold figures,
constexpr double column_of_text = 11, full_line = 0.85, min_full = 0.5;  // or running text, whose lines are full
constexpr size_t min_lines = 3, max_lines = 7;                           // of the tallest label of a row
constexpr size_t max_columns = 6;

bool are_even(const std::vector<Span>& columns, int height) {
  const int step = columns[1].first - columns[0].first;
  for (size_t i = 2; i < columns.size(); ++i) {
    if (std::abs(columns[i].first - columns[i - 1].first - step) > max_uneven_step * height) return false;
  }
  return true;
}

// Whether a column holds neither figures nor running text.
bool holds_labels(const Parts& column, int height) {
  std::vector<int> widths;
  widths.reserve(column.size());
  for (const TextLine& line : column) widths.push_back(line.box.width());
  const int width = box_of(column).width();
  const auto full = std::ranges::count_if(widths, [&](int some) { return some >= full_line * width; });
  const bool text =
      width >= column_of_text * height && static_cast<double>(full) >= min_full * static_cast<double>(widths.size());
  return !text && median(std::move(widths)) >= min_width * height;
}

bool is_level(const Parts& row, int height) {
  return std::ranges::all_of(row, [&](const TextLine& part) {
    return std::abs(part.box.middle() - row.front().box.middle()) <= max_off_level * height;
  });
}

// Groups of rows, separated by white; empty if white does not separate them clearly.
std::vector<std::vector<Parts>> grouped(const std::vector<Parts>& rows, int height) {
  std::vector<int> steps;
  for (size_t i = 1; i < rows.size(); ++i) steps.push_back(box_of(rows[i]).middle() - box_of(rows[i - 1]).middle());
  const int step = quantile(steps, 1, 4);
  if (step > max_line_step * height) return {};
  std::vector<std::vector<Parts>> groups = {{rows.front()}};
  for (size_t i = 1; i < rows.size(); ++i) {
    const bool apart = steps[i - 1] >= step + min_white * height;
    if (!apart && std::abs(steps[i - 1] - step) > max_uneven_line * height) return {};
    if (apart) groups.emplace_back();
    groups.back().push_back(rows[i]);
  }
  return groups;
}

// Labels of one group: each column has one that begins in the first row, except for the last columns of the last group.
std::vector<Parts> labels_in(const std::vector<Parts>& rows, const std::vector<Span>& columns, bool last, int height) {
  std::vector<Parts> labels(columns.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::vector<Parts> cells = split(rows[r], columns);
    for (size_t c = 0; c < columns.size(); ++c) {
      if (cells[c].empty()) continue;
      const bool aligned = std::abs(cells[c].front().box.left - columns[c].first) <= max_off_edge * height;
      if (cells[c].size() != 1 || labels[c].size() != r || !aligned) return {};
      labels[c].push_back(cells[c].front());
    }
  }
  while (last && labels.size() > 1 && labels.back().empty()) labels.pop_back();
  return std::ranges::any_of(labels, &Parts::empty) ? std::vector<Parts>() : labels;
}

}  // namespace

std::vector<Parts> labels_of(const std::vector<Parts>& rows, const std::vector<Span>& columns, int height) {
  if (columns.size() < 2 || columns.size() > max_columns || rows.size() < 2 * min_lines || !are_even(columns, height) ||
      !std::ranges::all_of(rows, [&](const Parts& row) { return is_level(row, height); }))
    return {};
  for (const Parts& column : split(gathered(rows), columns)) {
    if (!holds_labels(column, height)) return {};
  }
  const std::vector<std::vector<Parts>> groups = grouped(rows, height);
  std::vector<Parts> all;
  size_t fewest = max_lines, most = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    std::vector<Parts> labels = labels_in(groups[g], columns, g + 1 == groups.size(), height);
    if (labels.empty()) return {};
    fewest = std::min(fewest, groups[g].size());
    most = std::max(most, groups[g].size());
    all.insert(all.end(), std::make_move_iterator(labels.begin()), std::make_move_iterator(labels.end()));
  }
  return groups.size() > 1 && fewest >= min_lines && most <= max_lines && most - fewest <= 1 ? all
                                                                                             : std::vector<Parts>();
}

}  // namespace lectern
