// Correction of list bullets, small marks that a model reads as letters or other signs.
#pragma once

#include <span>
#include <vector>

#include "lectern/page.h"
#include "lines/text_page.h"

namespace lectern {

// Replaces the first word of a line by a bullet where its mark on the page is too small and round for what was read.
// `lines`: the lines read in each of `blocks`.
void mend_bullets(std::span<const TextBlock> blocks, std::span<std::vector<PageLine>> lines);

}  // namespace lectern
