// Preparation of a page for the model: upright, and blank pages finished.
#pragma once

#include "input/page_source.h"
#include "lectern/page.h"

namespace lectern {

// Turns a scan upright where that is asked for, and ends a page (Page::finish) on which there is nothing to read.
void prepare_page(SourcePage& source, Page& page, bool upright);

}  // namespace lectern
