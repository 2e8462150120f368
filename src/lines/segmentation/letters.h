// The connected pieces of ink on a page that may be letters, dark on light and light on dark.
#pragma once

#include <vector>

#include "core/picture.h"
#include "image/rules.h"
#include "lines/segmentation/check_boxes.h"

namespace lectern {

struct Letters {
  std::vector<PixelBox> letters;  // from the left
  std::vector<PixelBox> marks;    // points, commas, accents, dashes: too small to make a line by themselves
  int height = 0;                 // of most letters, those without ascender; 0 without letters
  std::vector<PixelBox> bars;     // dark, with light letters on them
  Rules rules;
  std::vector<CheckBox> check_boxes;  // their boxes are among the letters
};

Letters find_letters(const Picture& page);

}  // namespace lectern
