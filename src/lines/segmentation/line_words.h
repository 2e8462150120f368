// Letters of one line as words: by the white between them, and by the width of letters where all are as wide.
#pragma once

#include <span>

#include "lines/text_page.h"

namespace lectern {

// Of letters from the left, at least one; `height` from the top of tall ones to the foot of low ones. `pitch`: the
// width of letters that other lines have told, which this one has or is not typed; 0: to be found.
TextLine line_of(std::span<const PixelBox> letters, int height, double pitch = 0);

}  // namespace lectern
