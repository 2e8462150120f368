// Reading order: sorts parts of lines (columns one after the other, headings across columns before them, tables row by
// row) and groups them into blocks.
#pragma once

#include <span>
#include <vector>

#include "lines/text_page.h"

namespace lectern {

// Blocks of a page; `rules` lie across it and part what stands above them from columns below. What stands in a frame is
// read by itself.
std::vector<TextBlock> arrange(const std::vector<TextLine>& parts, std::span<const PixelBox> rules = {},
                               std::span<const PixelBox> frames = {});

}  // namespace lectern
