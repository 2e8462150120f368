#include "lines/segmentation/side_columns.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <vector>

namespace lectern {
namespace {

// In heights of a line.
constexpr double min_gutter = 1.2;     // white between the columns
constexpr double max_off_edge = 0.5;   // of lines of the right column
constexpr double min_end_white = 2.5;  // between a bar above or a note below and the columns
constexpr size_t min_lines = 3;        // of each column, beside the other
constexpr size_t min_edge_lines = 2;   // that begin where the right column does
constexpr double max_aligned = 0.6;    // of the lines of the column with fewer: more, and they stand in rows
constexpr double max_off_row = 0.15;   // of tops or of feet of lines of one row
constexpr double min_reach = 0.75;     // of text that keeps clear of the column beside it, of the way to that
constexpr size_t max_edges = 200, max_parts = 1500;

struct Stretch {
  size_t first = 0, end = 0;  // of parts, by their middles
  int edge = 0;               // where its right column begins
};

bool is_left(const TextLine& part, int edge, int gutter) { return part.box.right <= edge - gutter; }

// Whether parts stand on one base line, or under one line.
bool are_aligned(const TextLine& a, const TextLine& b) {
  const double off = std::max(2.0, max_off_row * std::min(a.height, b.height));
  return std::abs(a.box.top - b.box.top) <= off || std::abs(a.box.bottom - b.box.bottom) <= off;
}

// Places where several lines begin.
std::vector<int> edges_of(const Parts& parts, int height) {
  std::vector<int> lefts;
  for (const TextLine& part : parts) lefts.push_back(part.box.left);
  std::ranges::sort(lefts);
  std::vector<int> edges;
  for (size_t i = 0; i < lefts.size();) {
    size_t end = i;
    while (end < lefts.size() && lefts[end] - lefts[i] <= max_off_edge * height) ++end;
    if (end - i >= min_edge_lines && edges.size() < max_edges) edges.push_back(lefts[i]);
    i = end;
  }
  return edges;
}

// Stretches between white over the whole width, such as below a bar of links.
std::vector<Stretch> parted_by_white(const Parts& parts, int height, const Stretch& whole) {
  std::vector<Stretch> stretches = {whole};
  // Of every part and of those whose middles are further down: tall ones may begin above it.
  std::vector<int> tops(whole.end, parts[whole.end - 1].box.top);
  for (size_t i = whole.end - 1; i-- > whole.first;) tops[i] = std::min(parts[i].box.top, tops[i + 1]);
  int bottom = parts[whole.first].box.bottom;
  for (size_t i = whole.first + 1; i < whole.end; ++i) {
    if (tops[i] - bottom >= min_end_white * height) {
      stretches.back().end = i;
      stretches.push_back({i, whole.end, whole.edge});
    }
    bottom = std::max(bottom, parts[i].box.bottom);
  }
  return stretches;
}

// Whether the left column continues below the right one without using its width, like the text of a letter.
bool goes_on(std::span<const TextLine> below, int edge, int gutter) {
  if (!std::ranges::all_of(below, [&](const TextLine& part) { return is_left(part, edge, gutter); })) return false;
  const auto full = std::ranges::count_if(below, [&](const TextLine& part) {
    return part.box.right - below.front().box.left >= min_reach * (edge - below.front().box.left);
  });
  return full >= static_cast<ptrdiff_t>(min_lines);
}

// Rows; a frame, a part without words, counts as several.
size_t lines_in(const Parts& parts) {
  const bool framed = std::ranges::any_of(parts, [](const TextLine& part) { return part.words.empty(); });
  return rows_of(parts).size() + (framed ? min_lines : 0);
}

// Whether both sides have enough lines beside each other that do not stand in rows.
bool are_independent(std::span<const TextLine> parts, int edge, int gutter) {
  Parts left, right;
  for (const TextLine& part : parts) (is_left(part, edge, gutter) ? left : right).push_back(part);
  if (left.size() < min_lines || right.size() < min_lines) return false;
  const PixelBox left_box = box_of(left), right_box = box_of(right);
  const int top = std::max(left_box.top, right_box.top), bottom = std::min(left_box.bottom, right_box.bottom);
  const auto beside = [&](const TextLine& part) { return part.box.bottom < top || part.box.top > bottom; };
  std::erase_if(left, beside);
  std::erase_if(right, beside);
  const size_t left_rows = lines_in(left), right_rows = lines_in(right);
  if (left_rows < min_lines || right_rows < min_lines) return false;
  const std::vector<Parts> few = rows_of(left_rows <= right_rows ? left : right);
  const Parts& many = left_rows <= right_rows ? right : left;
  const auto aligned = std::ranges::count_if(few, [&](const Parts& row) {
    return std::ranges::any_of(row, [&](const TextLine& part) {
      return std::ranges::any_of(many, [&](const TextLine& other) { return are_aligned(part, other); });
    });
  });
  return static_cast<double>(aligned) < max_aligned * static_cast<double>(few.size());
}

}  // namespace

std::optional<SideColumns> find_side_columns(const Parts& parts) {
  if (parts.size() < 2 * min_lines || parts.size() > max_parts) return std::nullopt;
  Parts sorted = parts;
  std::ranges::stable_sort(sorted, {}, [](const TextLine& part) { return part.box.middle(); });
  const int height = height_of(sorted), gutter = static_cast<int>(min_gutter * height);
  const auto slack = static_cast<int>(max_off_edge * height);
  const auto between = [&](size_t first, size_t end) {
    return std::span<const TextLine>(sorted).subspan(first, end - first);
  };
  Stretch best;
  for (const int edge : edges_of(sorted, height)) {
    Stretch stretch = {0, 0, edge};
    const auto finish = [&](size_t end) {
      stretch.end = end;
      if (stretch.end < stretch.first + 2 * min_lines) return;
      for (Stretch some : parted_by_white(sorted, height, stretch)) {
        const auto inside = between(some.first, some.end);
        if (some.end < end && goes_on(between(some.end, end), edge, gutter)) some.end = end;
        if (some.end - some.first > best.end - best.first && are_independent(inside, edge, gutter)) best = some;
      }
    };
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (is_left(sorted[i], edge, gutter) || sorted[i].box.left >= edge - slack) continue;
      finish(i);
      stretch.first = i + 1;
    }
    finish(sorted.size());
  }
  if (best.end == best.first) return std::nullopt;
  SideColumns columns;
  for (size_t i = 0; i < sorted.size(); ++i) {
    Parts& to = i < best.first                          ? columns.above
                : i >= best.end                         ? columns.below
                : is_left(sorted[i], best.edge, gutter) ? columns.left
                                                        : columns.right;
    to.push_back(std::move(sorted[i]));
  }
  return columns;
}

}  // namespace lectern
