// Boxes of the words of a block. The model says where a block is; its words are laid out within its boxes in
// proportion to their lengths, in the lines that the page's ink shows, else in as many as letters of a usual shape
// would fill. Cells of tables have columns and rows, scripts from right to left run so, and words that have boxes of
// their own stand there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/ink_lines.h"
#include "lectern/page.h"

namespace lectern {

struct PlacedWord {
  std::string text;
  Box box;
  std::string visual{};  // the characters from left to right, where they stand in another order; else empty
  std::optional<double> confidence{};  // where the word was measured, and known
};

struct PlacedLine {
  Box box;
  bool upward = false;            // turned a quarter to the left, as on a page's margin
  std::vector<PlacedWord> words;  // with a space between each two
};

struct PlacedText {
  Box box;  // one of the block's
  std::vector<PlacedLine> lines;
};

// The plain text of the block, in its boxes or, where it has none, in `page`, beyond which no box goes. Boxes that got
// no line are left out. In boxes that are tall and too narrow for the words, lines run upward. `ink` may be null.
std::vector<PlacedText> place_words(const Block& block, const Box& page, const PageInk* ink = nullptr);

}  // namespace lectern
