// Takes layout tags out of streamed text: <|ref|>label<|/ref|><|det|>boxes<|/det|> and the line break behind them.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// Only whole, well-formed pairs are taken out; everything else is text and is kept as it is.
class TagFilter {
 public:
  std::string push(std::string_view text);  // the text that is known to be none
  std::string finish();                     // what was held back

 private:
  std::string pending_;
};

}  // namespace lectern
