// Markdown within a line of the model's text: bold text, formulas, code, links and pictures.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "layout/text/text_tree.h"

namespace lectern {

// ** and * count as pairs that open before a word and close behind one: 2**3 and (**) are text. Of formulas between
// dollars, the first may not begin with a digit or a space. Time is linear in the text.
TextRuns parse_inline(const StyledText& text);

// Where formulas end that begin in a text, asked for from the front to the back.
class FormulaEnds {
 public:
  explicit FormulaEnds(std::string_view text) : text_(text) {}

  // Behind the formula that begins at `at`, before the next empty line; none where no formula begins.
  std::optional<std::size_t> find(std::size_t at);

 private:
  std::optional<std::size_t> find(std::size_t at, std::string_view closing, std::size_t& searched) const;

  std::string_view text_;
  std::size_t round_ = 0, square_ = 0, dollars_ = 0;  // up to where each closing was looked for in vain
};

}  // namespace lectern
