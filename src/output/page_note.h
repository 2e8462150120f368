// Note about an incomplete page, which every format shows: the page could not be read, or part of its text or of its
// file may be missing.
#pragma once

#include <string>

#include "lectern/page.h"

namespace lectern {

// True if the text may continue after the last block.
bool is_incomplete(const Page& page);

// A sentence without control characters, e.g. "Page 3 could not be read: it is damaged"; empty when all is well.
std::string page_note(const Page& page);

}  // namespace lectern
