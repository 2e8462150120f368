#include "image/ink_lines.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "core/quantile.h"
#include "image/rules.h"

namespace lectern {
namespace {

constexpr size_t max_lines = 500;
constexpr int min_line_height = 3;      // pixels of the mask
constexpr double thin = 0.01;           // of the row with most ink: what a gap between lines may hold
constexpr double mark_share = 0.45;     // of the usual height of a line: what is lower is a mark of a line beside it
constexpr double mark_distance = 0.35;  // of that height, from mark to line

struct Rows {
  int top, bottom;  // bottom is exclusive
  int height() const { return bottom - top; }
};

// Marks join the nearer of the lines beside them.
std::vector<Rows> with_marks(std::vector<Rows> rows) {
  if (rows.size() < 2) return rows;
  std::vector<int> heights;
  heights.reserve(rows.size());
  for (const Rows& r : rows) heights.push_back(r.height());
  const double usual = quantile(std::move(heights), 2, 3);
  std::vector<Rows> lines;
  bool pending = false;  // the last of `lines` is a mark that waits for the line below
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool mark = rows[i].height() < mark_share * usual;
    const double above = lines.empty() ? 1e9 : rows[i].top - lines.back().bottom;
    const double below = i + 1 < rows.size() ? rows[i + 1].top - rows[i].bottom : 1e9;
    const bool joins = !lines.empty() && above <= mark_distance * usual && (pending || (mark && above <= below));
    if (joins) {
      lines.back().bottom = rows[i].bottom;
      pending = false;
    } else {
      lines.push_back(rows[i]);
      pending = mark && below <= mark_distance * usual;
    }
  }
  return lines;
}

}  // namespace

PageInk::PageInk(const Picture& page) : mask_(find_ink(page, Ink::solid)) { take_rules(mask_, 0); }

std::vector<Box> PageInk::lines(const Box& part) const {
  const auto pixel = [&](double value, int size) { return std::clamp(static_cast<int>(value / mask_.scale), 0, size); };
  const int left = pixel(part.left, mask_.width), right = pixel(std::ceil(part.right), mask_.width);
  const int top = pixel(part.top, mask_.height), bottom = pixel(std::ceil(part.bottom), mask_.height);
  if (right <= left || bottom <= top) return {};
  std::vector<int> counts;
  for (int y = top; y < bottom; ++y) {
    counts.push_back(static_cast<int>(std::count(mask_.row(y) + left, mask_.row(y) + right, 1)));
  }
  const int gap = static_cast<int>(thin * *std::ranges::max_element(counts));
  std::vector<Rows> rows;
  for (int y = top; y < bottom; ++y) {
    if (counts[static_cast<size_t>(y - top)] <= gap) continue;
    if (rows.empty() || rows.back().bottom != y) rows.push_back({y, y});
    rows.back().bottom = y + 1;
  }
  std::vector<Box> lines;
  for (const Rows& line : with_marks(std::move(rows))) {
    if (line.height() < min_line_height) continue;
    int first = right, last = left;
    for (int y = line.top; y < line.bottom; ++y) {
      const uint8_t* const row = mask_.row(y);
      const auto* const begin = std::find(row + left, row + right, 1);
      first = std::min(first, static_cast<int>(begin - row));
      for (int x = right - 1; x >= last; --x) {
        if (row[x] == 0) continue;
        last = x + 1;
        break;
      }
    }
    if (last <= first) continue;
    const double scale = mask_.scale;
    lines.push_back({std::max(first * scale, part.left), std::max(line.top * scale, part.top),
                     std::min(last * scale, part.right), std::min(line.bottom * scale, part.bottom)});
    if (lines.back().right <= lines.back().left || lines.back().bottom <= lines.back().top) lines.pop_back();
  }
  return lines.size() > max_lines ? std::vector<Box>() : lines;
}

}  // namespace lectern
