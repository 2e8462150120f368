#include "lines/deskew.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "core/quantile.h"
#include "lines/pix.h"

namespace lectern {
namespace {

constexpr int max_side = 2400;       // pixels of the longer side that the search looks at
constexpr int max_fine_side = 2600;  // of a page of small print; its lines would run together in a quarter of the size
constexpr float sweep_degrees = 5, sweep_step = 0.5f, search_step = 0.01f;
constexpr float min_confidence = 2;
constexpr int max_letters = 6;       // in heights of letters: taller pieces are not text but bars and pictures
constexpr int min_letter = 5;        // pixels
constexpr double min_degrees = 0.1;  // a smaller angle moves the end of a line by less than a stroke

uint8_t commonest(const Picture& page, size_t channel) {
  std::array<int, 256> counts{};
  for (size_t i = channel; i < page.rgb.size(); i += 3) ++counts[page.rgb[i]];
  return static_cast<uint8_t>(std::ranges::max_element(counts) - counts.begin());
}

// Keeps only pieces of the size of letters in the mask.
void erase_large_pieces(InkMask& mask) {
  const std::vector<InkPiece> pieces = ink_pieces(mask, true);
  std::vector<int> heights;
  for (const InkPiece& piece : pieces) {
    if (piece.height() >= min_letter) heights.push_back(piece.height());
  }
  const int most = max_letters * median(std::move(heights), mask.height);
  for (const InkPiece& piece : pieces) {
    if (piece.height() <= most) continue;
    for (int y = piece.top; y < piece.bottom; ++y)
      std::fill(mask.row(y) + piece.left, mask.row(y) + piece.right, uint8_t{0});
  }
}

}  // namespace

double skew_of(const Picture& page) {
  InkMask mask = find_ink(page, Ink::solid);
  const int step = std::max(1, mask.longest() / max_side);
  if (mask.width / step < 64 || mask.height / step < 64) return 0;
  erase_large_pieces(mask);
  const PixPointer pix = to_pix(mask, step);
  if (!pix) return 0;
  float angle = 0, confidence = 0;
  const int reduction = mask.longest() / step > max_fine_side ? 4 : 2;
  if (pixFindSkewSweepAndSearch(pix.get(), &angle, &confidence, reduction, reduction / 2, sweep_degrees, sweep_step,
                                search_step) != 0) {
    return 0;
  }
  return confidence >= min_confidence && std::abs(angle) >= min_degrees ? angle : 0;
}

Picture turned(const Picture& page, double degrees) {
  if (degrees == 0) return page;
  const PixPointer from = to_pix(page);
  if (!from) return page;
  l_uint32 paper = 0;
  composeRGBPixel(commonest(page, 0), commonest(page, 1), commonest(page, 2), &paper);
  const auto radians = static_cast<float>(degrees * std::numbers::pi / 180);
  const PixPointer to(pixRotateAMColor(from.get(), radians, paper));
  return to ? to_picture(*to) : page;
}

}  // namespace lectern
