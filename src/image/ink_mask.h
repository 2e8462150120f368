// Which pixels of a page are ink: darker or lighter than the paper around them by more than the page's noise. And the
// connected pieces of it, without what scanners and rulers leave: black borders, ruling lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/picture.h"

namespace lectern {

struct InkMask {
  int width = 0;  // of the mask
  int height = 0;
  int scale = 1;             // pixels of the picture along a side of one of the mask
  std::vector<uint8_t> ink;  // [height, width], 0 or 1

  const uint8_t* row(int y) const { return ink.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
  uint8_t* row(int y) { return ink.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
  int longest() const { return width > height ? width : height; }
};

enum class Ink : uint8_t {
  faint,  // all that stands out from the paper, broad as its blurred rims make it
  solid,  // what is at least half as dark as ink on this page mostly is: neighbouring strokes stay apart
};

// Pages of more than 16 million pixels are reduced first.
InkMask find_ink(const Picture& picture, Ink wanted = Ink::faint);

// Both, in much less time than one after the other.
struct InkMasks {
  InkMask solid, faint;
};
InkMasks find_inks(const Picture& picture);

// A piece of ink whose pixels touch, in pixels of the mask; right and bottom are exclusive.
struct InkPiece {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
  int pixels = 0;
  int inner = 0;  // of these, away from the margins of the page

  int width() const { return right - left; }
  int height() const { return bottom - top; }
  int longest() const { return width() > height() ? width() : height(); }
};

// All pieces but those that are a scanner's black border or, unless they are wanted, long bars and lines that are not
// quite straight.
std::vector<InkPiece> ink_pieces(const InkMask& mask, bool bars = false);

}  // namespace lectern
