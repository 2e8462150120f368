// Text of a page as shown while the model writes it.
#pragma once

#include <cstdint>
#include <string>

#include "language/tokenizer.h"
#include "layout/table_filter.h"
#include "layout/tag_filter.h"

namespace lectern {

enum class Shown : uint8_t {
  raw,       // all that the model writes
  untagged,  // without the tags of the layout
  plain,     // without special tokens; rows of tables are lines, with tabs between the cells
};

class StreamedText {
 public:
  // The tokenizer must outlive it.
  StreamedText(const Tokenizer& tokenizer, Shown shown);

  // More text to show; without the last `cut` bytes of the token.
  std::string push(int32_t token, size_t cut = 0);
  std::string finish();

 private:
  std::string filtered(const std::string& text);

  const Tokenizer* tokenizer_;
  Shown shown_;
  TextStream stream_;
  TagFilter tags_;
  TableFilter tables_;
};

}  // namespace lectern
