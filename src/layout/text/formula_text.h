// Formulas as plain text, to be searched: "x^2 = (a+b)/2 ≤ α" for \( x^{2} = \frac{a+b}{2} \leq \alpha \).
#pragma once

#include <string>
#include <string_view>

#include "layout/text/text_tree.h"

namespace lectern {

// `formula` is LaTeX with its delimiters, as in a TextRun. Signs and letters are those of Unicode, what is raised
// begins with ^ and what is lowered with _, rows are lines; commands that are not known leave their name. Time is
// linear.
std::string printed_formula(std::string_view formula);

// Makes text of the tree's formulas.
void print_formulas(TextTree& tree);

}  // namespace lectern
