// Straight lines drawn on a page: borders of tables and fields, underlines. They are taken out of the ink, so that
// letters stand free, and tell where cells of tables are.
#pragma once

#include <vector>

#include "image/ink_mask.h"
#include "image/pixel_box.h"

namespace lectern {

struct Rules {
  std::vector<PixelBox> across;  // from the left to the right
  std::vector<PixelBox> down;
};

// Takes rules out of `mask`. `letter_height` is that of the page's usual letters, in pixels of the mask; 0 where it has
// none, and rules are what is too long for strokes of letters on any page. Boxes are in pixels of the page.
Rules take_rules(InkMask& mask, int letter_height);

}  // namespace lectern
