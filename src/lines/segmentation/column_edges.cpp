#include "lines/segmentation/column_edges.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/quantile.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double max_off_edge = 0.12;                     // of parts that begin in one column
constexpr double min_white = 1.2;                         // before them
constexpr double max_distance = 5;                        // to the nearest of them above and below
constexpr double max_resize = 1.6;                        // of their letters
constexpr double min_gap = 0.25, min_gap_of_pair = 0.35;  // before the word; and if the line has no other gap
constexpr double min_gap_to_usual = 1.35;                 // of the line's gaps
constexpr size_t min_column = 3;                          // parts that begin there, beside the word
constexpr size_t max_parts = 1500;

int gap_before(const TextLine& line, size_t word) { return line.words[word].left - line.words[word - 1].right; }

// Whether the gap is wider than all others of its line.
bool is_widest(const TextLine& line, size_t word) {
  std::vector<int> others;
  for (size_t i = 1; i < line.words.size(); ++i) {
    if (i != word) others.push_back(gap_before(line, i));
  }
  const int gap = gap_before(line, word);
  if (others.empty()) return gap >= min_gap_of_pair * line.height;
  return gap >= min_gap * line.height && gap > *std::ranges::max_element(others) &&
         gap >= min_gap_to_usual * median(others);
}

// Whether a part begins at `edge` after white, with another part of its row before that.
bool begins_column(const Parts& parts, const TextLine& part, int edge) {
  if (std::abs(part.box.left - edge) > std::max(2.0, max_off_edge * part.height)) return false;
  int before = -1;
  for (const TextLine& other : parts) {
    const int shared = std::min(part.box.bottom, other.box.bottom) - std::max(part.box.top, other.box.top);
    if (2 * shared >= std::min(part.box.height(), other.box.height()) && other.box.right < part.box.right)
      before = std::max(before, other.box.right);
  }
  return before >= 0 && part.box.left - before >= min_white * part.height;
}

bool is_column_edge(const Parts& parts, const TextLine& line, int edge) {
  size_t count = 0;
  double above = 2 * max_distance, below = above;  // in heights
  for (const TextLine& part : parts) {
    const bool alike = part.height <= max_resize * line.height && line.height <= max_resize * part.height;
    if (&part == &line || !alike || !begins_column(parts, part, edge)) continue;
    ++count;
    const double away = static_cast<double>(part.box.middle() - line.box.middle()) / line.height;
    (away < 0 ? above : below) = std::min(away < 0 ? above : below, std::abs(away));
  }
  return count >= min_column && above <= max_distance && below <= max_distance;
}

}  // namespace

Parts part_at_columns(Parts parts) {
  if (parts.size() > max_parts) return parts;
  Parts parted;
  for (const TextLine& line : parts) {
    size_t at = 0;
    for (size_t i = 1; i < line.words.size() && at == 0; ++i) {
      if (line.pitch == 0 && is_widest(line, i) && is_column_edge(parts, line, line.words[i].left)) at = i;
    }
    if (at == 0) {
      parted.push_back(line);
      continue;
    }
    const auto cut = line.words.begin() + static_cast<ptrdiff_t>(at);
    for (std::vector<PixelBox> words : {std::vector(line.words.begin(), cut), std::vector(cut, line.words.end())}) {
      TextLine part = line;
      part.box = words.front();
      for (const PixelBox& word : words) part.box.include(word);
      part.words = std::move(words);
      parted.push_back(std::move(part));
    }
  }
  return parted;
}

}  // namespace lectern
