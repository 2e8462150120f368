// Reading order: sorts parts of lines (columns one after the other, headings across columns before them, tables row by
// row) and groups them into blocks.
#pragma once

#include <span>
#include <vector>

#include "lines/text_page.h"

namespace lectern {

std::vector<TextBlock> arrange(const std::vector<TextLine>& parts, std::span<const PixelBox> rules = {});

}  // namespace lectern
