// Confidence and warnings of a page that was read, the same for every way of reading.
#pragma once

#include <cstdint>
#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// Gives the page the confidence of its blocks, and adds warnings: of ink of which nothing or hardly anything was read,
// of text that was cut short after so many tokens, of repetitions, and of text that is likely to be wrong.
// `all_text`: the model was asked for all text of the page.
void judge(Page& page, const Picture& picture, bool all_text, int64_t tokens);

// Warns of ink that looks like text and lies in none of these boxes.
void warn_of_uncovered_ink(Page& page, const Picture& picture, const std::vector<Box>& covered);
// The same for the boxes of the page's blocks; nothing if a block has none, since its text may be anywhere.
void warn_of_ink_outside_of_blocks(Page& page, const Picture& picture);

}  // namespace lectern
