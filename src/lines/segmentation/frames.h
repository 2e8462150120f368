// Frames drawn around text that is read by itself: cards of a web page, notices of a bulletin, a ticket.
#pragma once

#include <vector>

#include "image/rules.h"

namespace lectern {

// Rectangles of four rules that meet at their ends, sorted from the top, each large enough for a few lines of text.
std::vector<PixelBox> find_frames(const Rules& rules, int letter_height);

}  // namespace lectern
