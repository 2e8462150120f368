// Grey picture with the tone of its paper: cropping, normalising to dark ink on given paper, resizing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/picture.h"
#include "lines/text_page.h"

namespace lectern {

struct GreyPicture {
  int width = 0;
  int height = 0;
  uint8_t paper = 255;          // its most frequent tone
  std::vector<uint8_t> values;  // [height, width]

  GreyPicture(int w, int h) : width(w), height(h), values(static_cast<size_t>(w) * static_cast<size_t>(h)) {}
  explicit GreyPicture(const Picture& picture);

  uint8_t at(int x, int y) const {
    return values[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  GreyPicture cut(const PixelBox& box) const;  // the box must lie within the picture
  // Normalised: dark ink of enough contrast on paper of this tone.
  GreyPicture on_paper(uint8_t tone) const;
  GreyPicture resized(int new_width, int new_height) const;
};

}  // namespace lectern
