// Places on a page of a PDF, and how what is drawn upright comes to lie there.
#pragma once

#include <array>

namespace lectern::pdf {

struct Rectangle {
  double left = 0, bottom = 0, right = 0, top = 0;
};

using Matrix = std::array<double, 6>;  // [a b c d e f], as in PDF

// What is drawn within `from`, upright, to a page that is turned clockwise by so many degrees when it is shown.
inline Matrix to_page(const Rectangle& from, const Rectangle& page, int turn) {
  const bool lies = turn == 90 || turn == 270;
  const double width = page.right - page.left, height = page.top - page.bottom;
  const double x = (lies ? height : width) / (from.right - from.left);
  const double y = (lies ? width : height) / (from.top - from.bottom);
  switch (turn) {
    case 90: return {0, x, -y, 0, page.right, page.bottom};
    case 180: return {-x, 0, 0, -y, page.right, page.top};
    case 270: return {0, -x, y, 0, page.left, page.top};
    default: return {x, 0, 0, y, page.left, page.bottom};
  }
}

inline std::array<double, 2> moved(const Matrix& m, double x, double y) {
  return {m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]};
}

}  // namespace lectern::pdf
