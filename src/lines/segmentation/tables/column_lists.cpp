#include "lines/segmentation/tables/column_lists.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/quantile.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double max_uneven_step = 1;                   // from column to column
constexpr double max_line_step = 2;                     // from line to line
constexpr double max_off_top = 0.5;                     // of columns that begin beside each other
constexpr double min_column = 3;                        // narrower ones hold figures
constexpr double on_edge = 0.25, max_entry_indent = 3;  // of entries, and of those below others
constexpr size_t min_flowing_lines = 8, max_columns = 6;
constexpr double min_on_edge = 0.6, max_aligned_ends = 0.5;  // of the lines
constexpr double max_bullet = 0.6, min_bulleted = 0.7;       // its width and height; and of the lines
constexpr double min_text_column = 7;
constexpr double max_figures = 7, min_ended = 0.8;  // the width of figures; and of them
constexpr size_t min_figures = 3;
constexpr double min_unpriced = 0.25;  // of the rows of each list: headings, further lines

int step_of(const std::vector<Parts>& rows) {
  std::vector<int> steps;
  for (size_t i = 1; i < rows.size(); ++i) steps.push_back(box_of(rows[i]).bottom - box_of(rows[i - 1]).bottom);
  return median(std::move(steps));
}

// Whether some entries are indented from the edge of the others, with ragged ends.
bool has_indented_entries(const std::vector<Parts>& rows, int height) {
  int edge = rows.front().front().box.left, end = 0;
  for (const Parts& row : rows) {
    edge = std::min(edge, row.front().box.left);
    end = std::max(end, row.back().box.right);
  }
  size_t first = 0, indented = 0, ended = 0;
  for (const Parts& row : rows) {
    const int indent = row.front().box.left - edge;
    first += indent <= on_edge * height ? 1 : 0;
    indented += indent > 2 * on_edge * height && indent <= max_entry_indent * height ? 1 : 0;
    ended += end - row.back().box.right <= on_edge * height ? 1 : 0;
  }
  const auto count = static_cast<double>(rows.size());
  return indented > 0 && first + indented == rows.size() && static_cast<double>(first) >= min_on_edge * count &&
         static_cast<double>(ended) <= max_aligned_ends * count;
}

// Whether a column holds figures, such as prices: it is narrow, and most of them end at its right edge.
bool are_figures(const Parts& column, int height) {
  const PixelBox box = box_of(column);
  const auto ended = std::ranges::count_if(
      column, [&](const TextLine& part) { return box.right - part.box.right <= on_edge * height; });
  return column.size() >= min_figures && box.width() <= max_figures * height &&
         static_cast<double>(ended) >= min_ended * static_cast<double>(column.size());
}

// Whether most lines of a column begin with a bullet.
bool is_bulleted(const Parts& column, int height) {
  const std::vector<Parts> rows = rows_of(column);
  const auto bullets = std::ranges::count_if(rows, [&](const Parts& row) {
    const PixelBox& word = row.front().words.front();
    const bool alone = row.size() > 1 || row.front().words.size() > 1;
    return alone && word.width() <= max_bullet * height && word.height() <= max_bullet * height;
  });
  return bullets >= 2 && static_cast<double>(bullets) >= min_bulleted * static_cast<double>(rows.size());
}

}  // namespace

bool is_flowing_list(const std::vector<Parts>& columns, int height) {
  if (columns.size() < 2 || columns.size() > max_columns) return false;
  if (are_figures(columns.back(), height)) return false;
  std::vector<std::vector<Parts>> rows;
  rows.reserve(columns.size());
  for (const Parts& column : columns) rows.push_back(rows_of(column));
  const int step = box_of(columns[1]).left - box_of(columns[0]).left, top = box_of(columns[0]).top;
  size_t indented = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    const PixelBox box = box_of(columns[c]);
    const bool last = c + 1 == columns.size();
    if (c > 0 && std::abs(box.left - box_of(columns[c - 1]).left - step) > max_uneven_step * height) return false;
    if (box.width() < min_column * height || box.top > top + max_off_top * height) return false;
    if (rows[c].size() < (last ? 1 : min_flowing_lines)) return false;
    const int line_step = step_of(rows[c]);
    if (line_step > max_line_step * height) return false;
    if (last) break;
    indented += has_indented_entries(rows[c], height) ? 1 : 0;
  }
  const size_t lines = rows.front().size(), last = rows.back().size();
  if (indented > 0 && indented + 1 >= columns.size()) return true;
  // Full columns, and a last one without a gap.
  const bool full = std::ranges::all_of(rows.begin(), rows.end() - 1, [&](const std::vector<Parts>& column) {
    return column.size() == lines || (indented > 0 && column.size() + 1 >= lines);
  });
  const int height_of_last = box_of(columns.back()).height(), usual = step_of(rows.front());
  const bool without_gap = std::abs(height_of_last - static_cast<int>(last - 1) * usual - height) <= height;
  return full && last < lines && without_gap;
}

std::vector<Parts> lists_side_by_side(const std::vector<Parts>& columns, int height) {
  std::vector<Parts> lists;
  size_t plain = 0, bulleted = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    Parts list = columns[c];
    const bool bullets = is_bulleted(list, height);
    bool priced = false;
    if (c + 1 < columns.size()) {
      Parts both = list;
      both.insert(both.end(), columns[c + 1].begin(), columns[c + 1].end());
      const std::vector<Parts> rows = rows_of(both);
      const auto unpriced = std::ranges::count_if(rows, [](const Parts& row) { return row.size() == 1; });
      priced = is_price_list({columns[c], columns[c + 1]}, rows, height) &&
               (bullets || static_cast<double>(unpriced) >= min_unpriced * static_cast<double>(rows.size()));
      if (priced) list = std::move(both), ++c;
    }
    bulleted += bullets ? 1 : 0;
    if (!priced && !bullets) {
      if (box_of(list).width() < min_text_column * height) return {};
      ++plain;
    }
    lists.push_back(std::move(list));
  }
  if (lists.size() < 2 || (plain > 0 && bulleted == 0)) return {};
  return lists;
}

}  // namespace lectern
