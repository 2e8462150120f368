// Cuts text into the pieces that are merged into tokens one by one, by the regular expressions of tokenizer.json.
// They run through PCRE2 where Hugging Face's library uses Oniguruma. For the published patterns the one known
// difference is that \s takes in U+180E, the Mongolian vowel separator.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "language/tokenizer_file.h"

struct pcre2_real_code_8;

namespace lectern {

// Pieces in the order of the text. They point into the text, or into `spaced` where a space was put before them.
struct TextPieces {
  std::vector<std::string_view> views;
  std::deque<std::string> spaced;
};

class PreTokenizer {
 public:
  // `file` is the name for messages. Throws Error for a pattern that does not compile.
  PreTokenizer(const PreTokenizerSettings& settings, const std::string& file);

  // `text` must be valid UTF-8 and outlive the pieces; none of them is empty. Threads may call this at the same
  // time. Throws Error where a pattern needs more steps or memory than is allowed.
  TextPieces split(std::string_view text) const;

 private:
  struct FreePattern {
    void operator()(pcre2_real_code_8* code) const;
  };
  using Pattern = std::unique_ptr<pcre2_real_code_8, FreePattern>;

  class Matcher;

  Pattern compile(const SplitPattern& pattern) const;
  void cut(std::vector<std::string_view>& pieces, const Pattern& pattern, Matcher& matcher) const;

  std::string file_;
  std::vector<Pattern> splits_;
  Pattern gpt2_;  // null when the file does not ask for it
  bool add_prefix_space_;
};

}  // namespace lectern
