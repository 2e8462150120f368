// Lines made of letters, and split where a white gutter runs down through several of them.
#pragma once

#include <vector>

#include "lines/segmentation/letters.h"
#include "lines/text_page.h"

namespace lectern {

// Parts of lines, in no order: letters side by side without a wide gap or a gutter between them.
std::vector<TextLine> find_line_parts(const Letters& letters);

}  // namespace lectern
