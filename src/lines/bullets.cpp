#include "lines/bullets.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

namespace lectern {
namespace {

// In heights of a line.
constexpr double min_side = 0.2, max_side = 0.55;         // of a bullet
constexpr double max_large_side = 0.75;                   // of a bullet that is read as a sign as tall as a line
constexpr double max_uneven = 1.7;                        // ratio of its sides
constexpr double min_white = 0.22, min_wide_white = 0.4;  // after it
constexpr double max_off_edge = 0.5;                      // of bullets of one list
constexpr std::string_view bullet = "\xE2\x80\xA2";

// Signs that are never so small; and letters that may begin a line, but not several lines with so much white after
// them.
constexpr std::array<std::string_view, 7> signs = {bullet,     "\xC2\xA9", "\xC2\xAE",    "\xC2\xB0",
                                                   "\xC2\xB7", "@",        "\xE2\x82\xAC"};
constexpr std::array<std::string_view, 5> letters = {"o", "0", "e", "\xC2\xAB", "\xC2\xBB"};
constexpr std::string_view large_sign = "@";

struct Mark {
  PageLine* line = nullptr;
  int left = 0, height = 0;
};

// Whether the first word of a line has the shape of a bullet.
bool is_round(const TextLine& line, double max_side_here) {
  const PixelBox& mark = line.words[0];
  const int longer = std::max(mark.width(), mark.height()), shorter = std::min(mark.width(), mark.height());
  return longer <= max_side_here * line.height && shorter >= min_side * line.height && longer <= max_uneven * shorter;
}

}  // namespace

void mend_bullets(std::span<const TextBlock> blocks, std::span<std::vector<PageLine>> lines) {
  std::vector<Mark> sure, likely;
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (size_t l = 0; l < lines[b].size(); ++l) {
      const TextLine& found = blocks[b].lines[l];
      PageLine& read = lines[b][l];
      if (read.words.size() < 2 || found.words.size() < 2) continue;
      const std::string_view first = read.words.front().text;
      const int white = found.words[1].left - found.words[0].right;
      if (white < min_white * found.height || !is_round(found, first == large_sign ? max_large_side : max_side))
        continue;
      const Mark mark = {&read, found.words[0].left, found.height};
      if (std::ranges::find(signs, first) != signs.end()) {
        sure.push_back(mark);
      } else if (white >= min_wide_white * found.height && std::ranges::find(letters, first) != letters.end()) {
        likely.push_back(mark);
      }
    }
  }
  const auto count_beside = [](const std::vector<Mark>& marks, const Mark& mark) {
    return std::ranges::count_if(
        marks, [&](const Mark& other) { return std::abs(other.left - mark.left) <= max_off_edge * mark.height; });
  };
  std::vector<Mark> bullets = sure;
  std::ranges::copy_if(likely, std::back_inserter(bullets), [&](const Mark& mark) {
    return count_beside(sure, mark) > 0 || count_beside(likely, mark) > 1;
  });
  for (const Mark& mark : bullets) {
    std::string& word = mark.line->words.front().text;
    mark.line->text.replace(0, word.size(), bullet);
    word = bullet;
  }
}

}  // namespace lectern
