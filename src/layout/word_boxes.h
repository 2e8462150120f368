// Where the words of a block stand: the model says where a block is, and its words are laid out within its boxes in
// proportion to their lengths, in as many lines as letters of a usual shape would fill.
#pragma once

#include <string>
#include <vector>

#include "lectern/document.h"

namespace lectern {

struct PlacedWord {
  std::string text;
  Box box;
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

// The plain text of the block, in its boxes or, where it has none, in `page`. Boxes that got no line are left out. In
// boxes that are tall and too narrow for the words, lines run upward.
std::vector<PlacedText> place_words(const Block& block, const Box& page);

}  // namespace lectern
