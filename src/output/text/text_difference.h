// Differences between two texts of one page, word by word, and their extent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// A run of the two texts. Of what they have in common both sides are the same but for white space.
struct DifferenceRun {
  bool same = false;
  std::string_view left, right;  // one of them may be empty
};

struct TextDifference {
  std::vector<DifferenceRun> runs;  // all of both texts, in order; views of what was compared
  int64_t left_words = 0, right_words = 0;
  int64_t same_words = 0;  // of the longest sequence that both have
  int64_t left_characters = 0, right_characters = 0;
  int64_t edits = 0;  // characters to insert, remove or replace, at least, to make one text of the other

  TextDifference& operator+=(const TextDifference& other);  // of the numbers
  // Edits for a character of the longer text, as OCR benchmarks count: 0 for equal texts, 1 for all different.
  double edit_distance() const;
  // Words that both have, of all words of both: 1 for equal texts.
  double word_agreement() const;
};

// Words are what stands between white space; how much white space does not matter. Time grows with the product of the
// lengths of what differs.
TextDifference compare_texts(std::string_view left, std::string_view right);

}  // namespace lectern
