// What a reader of any format must be told about a page: that it could not be read, or that a part may be missing, of
// its text or of its file.
#pragma once

#include <string>

#include "lectern/page.h"

namespace lectern {

// Whether the text may go on where the blocks end.
bool is_incomplete(const Page& page);

// A sentence without control characters, e.g. "Page 3 could not be read: it is damaged"; empty when all is well.
std::string page_note(const Page& page);

}  // namespace lectern
