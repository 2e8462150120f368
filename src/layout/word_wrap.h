// Wrapping of words into the lines of boxes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "image/ink_lines.h"
#include "layout/word_boxes.h"
#include "lectern/page.h"

namespace lectern {

// Width of a narrow letter, as a share of the distance of two lines: letters are about half as wide as a font is high,
// and lines are a quarter further apart than that.
inline constexpr double letter_width = 0.4;

struct Word {
  std::string text;
  double width = 0;                      // in narrow letters
  bool space = false, new_line = false;  // before it
};

// Words of a text. Lines may also break before and behind wide characters.
std::vector<Word> words_of(std::string_view text);

// Their width with the spaces between them, in narrow letters.
double letters_of(const std::vector<Word>& words);

// True if the boxes are tall and too narrow for the words.
bool runs_upward(const std::vector<Box>& boxes, const std::vector<Word>& words);

// Lines from the top of each box: those of its ink if they are about as many as the words fill, else lines of equal
// height. `ink` may be null. `max_letter`: width of a narrow letter, in pixels.
std::vector<PlacedText> wrap_words(const std::vector<Word>& words, const std::vector<Box>& boxes, const PageInk* ink,
                                   double max_letter = 1e9);

}  // namespace lectern
