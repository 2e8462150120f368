// Parts of a page that a model reads one by one: its blocks of text, small neighbours together.
#pragma once

#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// In reading order, in pixels of the page, with a margin around their ink. No two hold ink of the same block, unless
// the page is askew. Empty if no lines of text are found.
std::vector<Box> text_parts(const Picture& page);

}  // namespace lectern
