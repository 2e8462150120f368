// Confidence and warnings of a page that was read, the same for every way of reading.
#pragma once

#include <cstdint>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// Gives the page the confidence of its blocks, and adds warnings: of ink of which nothing or hardly anything was read,
// of text that was cut short after so many tokens, of repetitions, and of text that is likely to be wrong.
// `all_text`: the model was asked for all text of the page.
void judge(Page& page, const Picture& picture, bool all_text, int64_t tokens);

}  // namespace lectern
