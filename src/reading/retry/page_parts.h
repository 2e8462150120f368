// Reading a page in parts: where to cut it in two, and how to merge the results into one page.
#pragma once

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// The row with which the lower half begins: in a gap between lines of text, wide and close to the middle. Where there
// is none in the middle third, the row there with the least on it; 0 for a page that is too small to be cut.
int split_row(const Picture& page);

// Adds what was read from the part of the page at `place`: boxes are moved, texts joined, tokens, times
// and loops added up. The finish is the worse one. `page` has the size of the whole page and holds the parts above;
// part.width and part.height are those of the part. In page.raw the coordinates stay those of each part, as the model
// wrote them.
void append_part(Page& page, const Page& part, const Box& place);

}  // namespace lectern
