// Splitting the text of several pages read in one sequence: the model begins each page with <PAGE>.
#pragma once

#include <vector>

#include "lectern/page.h"

namespace lectern {

// `whole` has the text and statistics of all; `pages`, at least one, are what was known of each before. -> the pages
// with their text, tokens and blocks. The first page gets the times, the last one with text the finish. A page without
// a <PAGE> of its own gets a warning and the finish of the text; text after one <PAGE> too many goes to the last page,
// which gets a warning, too.
std::vector<Page> part_pages(const Page& whole, std::vector<Page> pages);

}  // namespace lectern
