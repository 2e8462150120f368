#include "lines/segmentation/part_grid.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>

#include "core/quantile.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double column_of_prose = 11;                             // a narrower column is one of a table
constexpr double min_fill_of_prose = 0.6;                          // of a column's width, by its lines,
constexpr double wide_column = 18, min_fill_of_wide = 0.45;        // or of a wide one's, and
constexpr double min_full_of_narrow = 0.35, max_prose_step = 1.8;  // of the lines of a narrow one
constexpr double full_line = 0.85, min_full_lines = 0.5;           // of running text: its full lines
constexpr int min_running_lines = 4;
constexpr double column_of_prices = 7;  // and of page numbers: each belongs to what stands on its left
constexpr size_t max_letterhead = 4;    // rows of two columns far apart, such as an address and a date
constexpr double max_table_white = 15;
constexpr int min_prices = 3;
constexpr double min_priced = 0.25;                       // of the rows
constexpr double min_filled = 10;                         // width of a line that tells how wide its column is
constexpr double max_shared_mark = 0.6;                   // of parts of one row
constexpr double max_line_white = 1;                      // between it and the line beside it
constexpr double max_off_edge = 0.5;                      // of lines of one column
constexpr double max_first_indent = 2.5;                  // of the line that begins a paragraph
constexpr double max_white = 5;                           // between words of a line that was set wide
constexpr double max_uneven = 1.5, max_off_white = 0.35;  // widest white to narrowest, and what letters add to it

bool same_row(const TextLine& a, const TextLine& b) {
  const int shared = std::min(a.box.bottom, b.box.bottom) - std::max(a.box.top, b.box.top);
  return shared * 2 >= std::min(a.box.height(), b.box.height());
}

// Whether two parts stand side by side; a mark between them may reach into both.
bool stand_beside(const TextLine& a, const TextLine& b) {
  const int shared = std::min(a.box.right, b.box.right) - std::max(a.box.left, b.box.left);
  return shared <= max_shared_mark * std::min(a.height, b.height);
}

TextLine joined(const Parts& row) {
  TextLine line = row.front();
  for (size_t i = 1; i < row.size(); ++i) {
    line.box.include(row[i].box);
    line.height = std::max(line.height, row[i].height);
    line.letter = std::max(line.letter, row[i].letter);
    line.pitch = std::max(line.pitch, row[i].pitch);
    line.words.insert(line.words.end(), row[i].words.begin(), row[i].words.end());
  }
  return line;
}

// Measurements of a column.
struct Fill {
  int width = 0;
  int lines = 0;
  int full = 0;      // of them
  int typed = 0;     // parts of them
  int step = 0;      // from line to line, as most are set
  double share = 0;  // of its width that they cover
};

Fill fill_of(const Parts& column) {
  Fill fill;
  const PixelBox box = box_of(column);
  fill.width = box.width();
  int sum = 0;
  std::vector<int> middles, steps;
  for (const Parts& row : rows_of(column)) {
    middles.push_back(box_of(row).middle());
    if (middles.size() > 1) steps.push_back(middles.back() - middles[middles.size() - 2]);
    for (const TextLine& part : row) {
      sum += part.box.width();
      fill.typed += part.pitch > 0 ? 1 : 0;
    }
    ++fill.lines;
    fill.full += row.back().box.right - box.left >= full_line * fill.width ? 1 : 0;
  }
  fill.step = median(std::move(steps));
  fill.share = static_cast<double>(sum) / (static_cast<double>(fill.width) * fill.lines);
  return fill;
}

bool is_prose(const Fill& column, int height) {
  // A few lines of a typewriter or a terminal are as full where they are columns of a listing.
  if (column.typed > 0 && column.lines < min_running_lines) return false;
  if (column.width >= wide_column * height) return column.share >= min_fill_of_wide;
  // Entries with white between them, as in a form, are not running text unless they are full.
  const bool apart = column.step > max_prose_step * height;
  return column.width >= column_of_prose * height && column.share >= min_fill_of_prose &&
         (!apart || column.full >= min_full_of_narrow * column.lines);
}

bool is_running_text(const Fill& column, int height) {
  return column.width >= wide_column * height && column.lines >= min_running_lines &&
         column.full >= min_full_lines * column.lines;
}

// Widths of the white between the words of a row.
bool is_evenly_set(const Parts& row, int height) {
  int narrowest = 0, widest = 0;
  const PixelBox* before = nullptr;
  for (const TextLine& part : row) {
    for (const PixelBox& word : part.words) {
      if (before != nullptr) {
        const int white = word.left - before->right;
        narrowest = narrowest == 0 ? white : std::min(narrowest, white);
        widest = std::max(widest, white);
      }
      before = &word;
    }
  }
  return widest <= max_white * height && widest <= max_uneven * narrowest + max_off_white * height;
}

// Parts of the row beside line `at`, above or below, that together fill its column; empty if they do not.
std::vector<size_t> row_beside(const Parts& parts, size_t at, bool below) {
  const TextLine& line = parts[at];
  const int height = line.height;
  const auto edge = static_cast<int>(max_off_edge * height);
  const auto near = [&](size_t i) { return std::abs(parts[i].box.middle() - line.box.middle()) <= 4 * height; };
  size_t first = below ? at + 1 : at, last = first;
  while (below && last < parts.size() && near(last)) ++last;
  while (!below && first > 0 && near(first - 1)) --first;
  std::vector<size_t> row;
  for (size_t i = first; i < last; ++i) {
    const PixelBox& box = parts[i].box;
    const int white = below ? box.top - line.box.bottom : line.box.top - box.bottom;
    const bool within = box.left >= line.box.left - edge && box.right <= line.box.right + edge;
    if (!within || white > max_line_white * height || 2 * white < -box.height()) continue;
    if (row.empty() || same_row(parts[row.front()], parts[i])) row.push_back(i);
  }
  if (row.size() < 2) return {};
  std::ranges::sort(row, {}, [&](size_t i) { return parts[i].box.left; });
  const int left = parts[row.front()].box.left, right = parts[row.back()].box.right;
  const bool filled = left <= line.box.left + max_first_indent * height && right >= line.box.right - edge;
  return filled ? row : std::vector<size_t>{};
}

}  // namespace

int height_of(const Parts& parts) {
  std::vector<int> heights;
  heights.reserve(parts.size());
  for (const TextLine& part : parts) heights.push_back(part.height);
  return median(std::move(heights), 1);
}

PixelBox box_of(std::span<const TextLine> parts) {
  PixelBox box = parts.front().box;
  for (const TextLine& part : parts) box.include(part.box);
  return box;
}

Parts gathered(std::span<const Parts> some) {
  Parts all;
  for (const Parts& parts : some) all.insert(all.end(), parts.begin(), parts.end());
  return all;
}

std::vector<Parts> rows_of(Parts parts) {
  std::ranges::sort(parts, [](const TextLine& a, const TextLine& b) { return a.box.middle() < b.box.middle(); });
  std::vector<Parts> rows;
  for (TextLine& part : parts) {
    const bool joins = !rows.empty() && std::ranges::any_of(rows.back(), [&](const TextLine& other) {
      return same_row(part, other) && stand_beside(part, other);
    });
    if (!joins) rows.emplace_back();
    rows.back().push_back(std::move(part));
  }
  for (Parts& row : rows) std::ranges::sort(row, {}, [](const TextLine& part) { return part.box.left; });
  return rows;
}

std::vector<Span> columns_of(std::span<const TextLine> parts, double gap) {
  std::vector<Span> spans;
  for (const TextLine& part : parts) spans.push_back({part.box.left, part.box.right});
  std::ranges::sort(spans, {}, &Span::first);
  std::vector<Span> columns;
  for (const Span& span : spans) {
    if (!columns.empty() && span.first - columns.back().last < gap) {
      columns.back().last = std::max(columns.back().last, span.last);
    } else {
      columns.push_back(span);
    }
  }
  return columns;
}

std::vector<Parts> split(const Parts& parts, const std::vector<Span>& columns) {
  std::vector<Parts> split(columns.size());
  for (const TextLine& part : parts) {
    size_t column = 0;
    while (column + 1 < columns.size() && part.box.left >= columns[column + 1].first) ++column;
    split[column].push_back(part);
  }
  return split;
}

bool is_price_list(const std::vector<Parts>& columns, const std::vector<Parts>& rows, int height) {
  const PixelBox prices = box_of(columns.back());
  if (prices.width() > column_of_prices * height || is_running_text(fill_of(columns.front()), height)) return false;
  int priced = 0;
  for (const Parts& row : rows) {
    if (row.back().box.left < prices.left) continue;
    if (row.size() == 1) return false;
    ++priced;
  }
  return priced >= min_prices && priced >= min_priced * static_cast<double>(rows.size());
}

bool is_table(const std::vector<Parts>& columns, const std::vector<Parts>& rows, int height) {
  if (rows.size() < min_table_rows) return false;
  std::vector<Fill> fills;
  fills.reserve(columns.size());
  for (const Parts& column : columns) fills.push_back(fill_of(column));
  if (std::ranges::count_if(fills, [&](const Fill& fill) { return is_prose(fill, height); }) > 1) return false;
  if (is_price_list(columns, rows, height)) return true;
  if (columns.size() == 2 && rows.size() <= max_letterhead &&
      box_of(columns[1]).left - box_of(columns[0]).right > max_table_white * height)
    return false;
  const auto shared = std::ranges::count_if(rows, [](const Parts& row) { return row.size() > 1; });
  return shared * 2 >= static_cast<long>(rows.size()) &&
         !(columns.size() == 2 && is_running_text(fills.back(), height));
}

Parts whole_lines(Parts parts) {
  Parts lines;
  for (const Parts& row : rows_of(std::move(parts))) lines.push_back(joined(row));
  return lines;
}

Parts join_justified(Parts parts) {
  std::ranges::sort(parts, {}, [](const TextLine& part) { return part.box.middle(); });
  // Each join removes a part, and makes a line by which those beside it are found next.
  for (size_t at = 0; at < parts.size();) {
    const bool tells = parts[at].words.size() > 1 && parts[at].box.width() >= min_filled * parts[at].height;
    bool found = false;
    for (const bool below : {false, true}) {
      if (!tells || found) continue;
      std::vector<size_t> members = row_beside(parts, at, below);
      Parts row;
      for (const size_t i : members) row.push_back(parts[i]);
      if (row.empty() || !is_evenly_set(row, height_of(row))) continue;
      std::ranges::sort(members, std::greater());
      const size_t first = members.back();
      parts[first] = joined(row);
      members.pop_back();
      for (const size_t i : members) parts.erase(parts.begin() + static_cast<ptrdiff_t>(i));  // from the last
      at = first;
      found = true;
    }
    if (!found) ++at;
  }
  return parts;
}

}  // namespace lectern
