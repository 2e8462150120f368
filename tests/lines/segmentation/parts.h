// Parts of lines as the tests of the segmentation draw them: of 20 pixels, one word each.
#pragma once

#include "lines/segmentation/part_grid.h"

namespace lectern::testing {

inline TextLine line(int left, int top, int right, int height = 20) {
  TextLine line;
  line.box = {left, top, right, top + height};
  line.height = height;
  line.words = {line.box};
  return line;
}

inline Parts column(int left, int right, int top, int lines, int pitch = 28) {
  Parts column;
  for (int i = 0; i < lines; ++i) column.push_back(line(left, top + pitch * i, right));
  return column;
}

inline Parts operator+(Parts a, const Parts& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace lectern::testing
