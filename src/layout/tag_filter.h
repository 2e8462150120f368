// Takes layout tags and special tokens out of streamed text, as the parser of layout.h does with the whole: tags with
// the line break behind them, and of tags within a sentence all but their words.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// Of tags that are broken only the markers are taken out; no text is lost.
class TagFilter {
 public:
  std::string push(std::string_view text);  // the text that is known to be none
  std::string finish();                     // what was held back

 private:
  std::string take(bool last);

  std::string pending_;
  bool in_line_ = false;  // the line that is open has text
};

}  // namespace lectern
