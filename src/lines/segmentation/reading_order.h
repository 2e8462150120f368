// Reading order: sorts parts of lines (columns one after the other, headings across columns before them, tables row by
// row) and groups them into blocks.
#pragma once

#include <span>
#include <vector>

#include "lines/text_page.h"

namespace lectern {

// Blocks of a page in reading order. `rules` run across it and separate what stands above from columns below. The text
// in a frame is read by itself.
std::vector<TextBlock> arrange(const std::vector<TextLine>& parts, std::span<const PixelBox> rules = {},
                               std::span<const PixelBox> frames = {});

}  // namespace lectern
