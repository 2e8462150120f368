// Parts of lines put in the order in which a person reads them: columns one after the other, headings across columns
// before them, tables row by row; and gathered into blocks.
#pragma once

#include <vector>

#include "lines/text_page.h"

namespace lectern {

std::vector<TextBlock> arrange(const std::vector<TextLine>& parts);

}  // namespace lectern
