// The text of a block as people read it, for formats that know no markup.
#pragma once

#include <string>
#include <string_view>

#include "lectern/document.h"

namespace lectern {

// Without the marks of Markdown for headings and bold text and without tags; rows of tables are lines with tabs between
// their cells. Code is left as it is.
std::string plain_text(const Block& block);

// Formulas as \( ... \) and \[ ... \], which few viewers of Markdown know, as $...$ and $$...$$. Text without
// formulas is returned as it is; beside formulas a dollar sign before a digit is escaped.
std::string with_dollar_formulas(std::string_view text);

}  // namespace lectern
