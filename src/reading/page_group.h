// Splitting the text of several pages read in one sequence: the model begins each page with <PAGE>.
#pragma once

#include <vector>

#include "lectern/page.h"

namespace lectern {

// `whole` has the text of all, with what it took; `pages` is what was known of each before, at least one. -> the pages
// with their text, tokens and blocks. What it took is the first one's, how it ended the last one's that has text. A
// page that no <PAGE> was written for has a warning and ends as the text did; what is written behind one <PAGE> too
// many belongs to the last page, which has a warning, too.
std::vector<Page> part_pages(const Page& whole, std::vector<Page> pages);

}  // namespace lectern
