#include "lines/text_page.h"

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

}  // namespace lectern
