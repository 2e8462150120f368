// Bullets that were read as other signs: small marks before the lines of a list.
#pragma once

#include <span>
#include <vector>

#include "lectern/page.h"
#include "lines/text_page.h"

namespace lectern {

// Puts bullets where lines begin with a mark so small that it is none of the letters and signs it was read as.
// `lines`: those of each of `blocks`, as read.
void mend_bullets(std::span<const TextBlock> blocks, std::span<std::vector<PageLine>> lines);

}  // namespace lectern
