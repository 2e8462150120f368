// Words of one line, made of its letters: by the white between them, and in monospaced print by the pitch.
#pragma once

#include <span>

#include "lines/text_page.h"

namespace lectern {

// `letters` from the left, at least one; `height` from the top of tall ones to the foot of low ones. `pitch`: of other
// lines, which this line either has too or is not monospaced; 0: to be found.
TextLine line_of(std::span<const PixelBox> letters, int height, double pitch = 0);

}  // namespace lectern
