// Check boxes of forms, detected by their shape, so that no model reads them as letters.
#pragma once

#include <span>
#include <vector>

#include "image/ink_mask.h"
#include "image/pixel_box.h"
#include "lines/text_page.h"

namespace lectern {

struct CheckBox {
  PixelBox box;
  bool ticked = false;
};

// Check boxes among the pieces of a mask, in pixels of the page. `letter_height`: of the usual letters, in pixels of
// the mask.
std::vector<CheckBox> find_check_boxes(const InkMask& mask, std::span<const InkPiece> pieces, int letter_height);

// Makes each box a word of its own in its line and notes it in TextLine::checks.
void mark_check_boxes(std::span<const CheckBox> boxes, std::span<TextBlock> blocks);

}  // namespace lectern
