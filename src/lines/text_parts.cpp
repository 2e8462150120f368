#include "lines/text_parts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "lines/text_page.h"

namespace lectern {
namespace {

constexpr int64_t smallest_share = 12;  // minimum part is the page's area divided by this: blocks are joined up to it
constexpr int margin_lines = 2;         // halves of a line's height around the ink

int64_t area(const PixelBox& box) { return int64_t{box.width()} * box.height(); }

int line_height(const TextBlock& block) {
  int height = 1;
  for (const TextLine& line : block.lines) height = std::max(height, line.height);
  return height;
}

struct Part {
  PixelBox box;
  int line_height = 1;
};

// Joins neighbours in reading order as long as their common box holds nothing of another block.
std::vector<Part> joined(const std::vector<TextBlock>& blocks, int64_t smallest) {
  std::vector<Part> parts;
  size_t first = 0;  // block of the last part
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (!parts.empty() && (area(parts.back().box) < smallest || area(blocks[i].box) < smallest)) {
      PixelBox both = parts.back().box;
      both.include(blocks[i].box);
      bool free = area(both) < 2 * smallest;
      for (size_t other = 0; other < blocks.size() && free; ++other) {
        free = (other >= first && other <= i) || !both.overlaps(blocks[other].box);
      }
      if (free) {
        parts.back() = {both, std::max(parts.back().line_height, line_height(blocks[i]))};
        continue;
      }
    }
    first = i;
    parts.push_back({blocks[i].box, line_height(blocks[i])});
  }
  return parts;
}

}  // namespace

std::vector<Box> text_parts(const Picture& page) {
  const TextPage found = find_text(page);
  const int64_t smallest = int64_t{page.width} * page.height / smallest_share;
  const double slope = std::abs(std::tan(found.angle * std::numbers::pi / 180));
  std::vector<Box> parts;
  for (const Part& part : joined(found.blocks, smallest)) {
    Box box = on_page(found, part.box);
    // On a page that is askew, ink is wider and taller than its straightened box.
    const double x = part.line_height * margin_lines / 2.0 + part.box.height() * slope / 2;
    const double y = part.line_height * margin_lines / 2.0 + part.box.width() * slope / 2;
    box = {std::max(0.0, std::floor(box.left - x)), std::max(0.0, std::floor(box.top - y)),
           std::min<double>(page.width, std::ceil(box.right + x)),
           std::min<double>(page.height, std::ceil(box.bottom + y))};
    parts.push_back(box);
  }
  return parts;
}

}  // namespace lectern
