// The text of a block as HTML in which nothing of the model's own markup is left but the cells of tables.
#pragma once

#include <string>

#include "lectern/document.h"

namespace lectern {

// Headings, paragraphs, bold text, tables, formulas and code; everything else is escaped.
std::string block_html(const Block& block);

}  // namespace lectern
