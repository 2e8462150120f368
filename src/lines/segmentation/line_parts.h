// Letters joined to lines, and lines parted where a white gutter runs down through several of them.
#pragma once

#include <vector>

#include "lines/segmentation/letters.h"
#include "lines/text_page.h"

namespace lectern {

// The parts of lines, in no order: what stands beside each other without a wide gap, or a gutter, between.
std::vector<TextLine> find_line_parts(const Letters& letters);

}  // namespace lectern
