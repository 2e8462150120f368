#include "lines/text_page.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lines/deskew.h"
#include "lines/letters.h"
#include "lines/line_parts.h"
#include "lines/reading_order.h"

namespace lectern {

TextPage find_text(const Picture& page) {
  TextPage found;
  found.angle = skew_of(page);
  found.picture = turned(page, found.angle);
  found.blocks = arrange(find_line_parts(find_letters(found.picture)));
  return found;
}

Box on_page(const TextPage& page, const PixelBox& box) {
  const double width = page.picture.width, height = page.picture.height;
  const double angle = page.angle * std::numbers::pi / 180;
  const double dx = (box.left + box.right - width) / 2, dy = (box.top + box.bottom - height) / 2;
  const double x = width / 2 + dx * std::cos(angle) + dy * std::sin(angle);
  const double y = height / 2 - dx * std::sin(angle) + dy * std::cos(angle);
  return {std::clamp(x - box.width() / 2.0, 0.0, width), std::clamp(y - box.height() / 2.0, 0.0, height),
          std::clamp(x + box.width() / 2.0, 0.0, width), std::clamp(y + box.height() / 2.0, 0.0, height)};
}

}  // namespace lectern
