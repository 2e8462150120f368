#include "lines/word_places.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lectern {
namespace {

constexpr size_t max_group = 4;         // words that one box holds, or boxes of one word
constexpr double price_of_group = 0.5;  // in letters, for each word or box that is joined

struct Step {
  double price = std::numeric_limits<double>::infinity();  // of the best way to here
  size_t words = 0, boxes = 0;                             // of the last group
};

PixelBox united(std::span<const PixelBox> boxes) {
  PixelBox all = boxes.front();
  for (const PixelBox& box : boxes) all.include(box);
  return all;
}

// Letters of the words, with the spaces between them.
size_t letters_in(std::span<const size_t> letters) {
  size_t sum = letters.size() - 1;
  for (const size_t count : letters) sum += count;
  return sum;
}

// Splits a box into words side by side, in proportion to their letters.
void part(const PixelBox& box, std::span<const size_t> letters, std::vector<PixelBox>& places) {
  if (letters.size() == 1) return places.push_back(box);
  const double step = static_cast<double>(box.width()) / static_cast<double>(std::max<size_t>(1, letters_in(letters)));
  size_t before = 0;
  for (const size_t count : letters) {
    PixelBox place = box;
    place.left = box.left + static_cast<int>(step * static_cast<double>(before));
    place.right = place.left + std::max(1, static_cast<int>(step * static_cast<double>(count)));
    places.push_back(place);
    before += count + 1;
  }
}

}  // namespace

std::vector<PixelBox> word_places(std::span<const PixelBox> measured, std::span<const size_t> letters) {
  if (letters.empty()) return {};
  if (measured.size() == letters.size()) return {measured.begin(), measured.end()};
  double width = 0, written = 0;
  for (const PixelBox& box : measured) width += box.width();
  for (const size_t count : letters) written += static_cast<double>(count);
  const double letter = std::max(1.0, width / std::max(1.0, written));
  // best[w][b]: the first w words are in the first b boxes.
  std::vector<std::vector<Step>> best(letters.size() + 1, std::vector<Step>(measured.size() + 1));
  best[0][0].price = 0;
  const auto go_on = [&](size_t w, size_t b, size_t words, size_t boxes) {
    if (w + words > letters.size() || b + boxes > measured.size()) return;
    const double wide = united(measured.subspan(b, boxes)).width() / letter;
    const double off = wide - static_cast<double>(letters_in(letters.subspan(w, words)));
    const double price = best[w][b].price + std::abs(off) + price_of_group * static_cast<double>(words + boxes - 2);
    if (price < best[w + words][b + boxes].price) best[w + words][b + boxes] = {price, words, boxes};
  };
  for (size_t w = 0; w < letters.size(); ++w) {
    for (size_t b = 0; b < measured.size(); ++b) {
      go_on(w, b, 1, 1);
      for (size_t group = 2; group <= max_group; ++group) {
        go_on(w, b, group, 1);
        go_on(w, b, 1, group);
      }
    }
  }
  std::vector<PixelBox> places;
  if (best.back().back().words == 0) {  // too many of one for the other
    part(united(measured), letters, places);
    return places;
  }
  std::vector<Step> groups;
  for (size_t w = letters.size(), b = measured.size(); w > 0;) {
    groups.push_back(best[w][b]);
    w -= groups.back().words;
    b -= groups.back().boxes;
  }
  size_t w = 0, b = 0;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    part(united(measured.subspan(b, group->boxes)), letters.subspan(w, group->words), places);
    w += group->words;
    b += group->boxes;
  }
  return places;
}

}  // namespace lectern
