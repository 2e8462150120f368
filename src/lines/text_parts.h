// A page in parts that a model reads one by one: its blocks of text, small neighbours together.
#pragma once

#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// In reading order, in pixels of the page, with a margin around their ink; no two hold ink of the same block, except
// where the page is askew. Empty for a page on which no lines of text are found.
std::vector<Box> text_parts(const Picture& page);

}  // namespace lectern
