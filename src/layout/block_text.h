// The text of a block as people read it, for formats that know no markup.
#pragma once

#include <string>
#include <string_view>

#include "lectern/document.h"

namespace lectern {

// Without the marks of Markdown for headings and bold text, without tags and entities; rows of tables are lines with
// tabs between their cells. Code is left as it is.
std::string plain_text(const Block& block);

// The text without the tags that the model puts around it (center, b, i, sup, sub); br becomes a line break.
std::string without_text_tags(std::string_view text);

// Formulas as \( ... \) and \[ ... \], which few viewers of Markdown know, as $...$ and $$...$$. Text without
// formulas is returned as it is; beside formulas a dollar sign before a digit is escaped.
std::string with_dollar_formulas(std::string_view text);

}  // namespace lectern
