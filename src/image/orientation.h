// Orientation of a scan, detected from its letters.
//
// Letters of a line stand closer together than lines do: that tells upright from sideways. Two signs tell up from down
// in Latin print: dots and accents stand above their letters; and more letters rise above the small ones than hang
// below the line, so that feet are in line more often than heads. A page is turned only when both signs say the same
// and clearly: pages of capitals or figures, of a few lines, in very small or blurred print, in Cyrillic or Greek
// (where more hangs than rises), in other scripts and in handwriting are left as they are.
#pragma once

#include "core/picture.h"

namespace lectern {

struct Orientation {
  int turn = 0;  // degrees clockwise, 90, 180 or 270, that set the page upright; 0: it is upright, or that is uncertain
  // Share of the letters with this sign; 0.5 without evidence.
  double sideways = 0.5;
  double heads_down = 0.5;  // by the line that letters stand on; of a page that lies on its side, as its lines run
  double marks_down = 0.5;  // by dots and accents; likewise
};

Orientation detect_orientation(const Picture& page);

// Turned clockwise by 0, 90, 180 or 270 degrees.
Picture turned(Picture picture, int degrees);

}  // namespace lectern
