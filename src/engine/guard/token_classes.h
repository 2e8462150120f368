// Classes of the tokens of a vocabulary, for the repetition guard.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "language/tokenizer.h"

namespace lectern {

struct TokenClass {
  bool digits = false;    // nothing but ASCII digits
  bool letters = false;   // holds a letter of any script; tags have none
  bool line_end = false;  // holds a line break, or begins or ends the row of a table
};

// Computed once for a vocabulary, then immutable.
class TokenClasses {
 public:
  explicit TokenClasses(const Tokenizer& tokenizer);

  // Of any id; one that no token has is of no class.
  TokenClass of(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < classes_.size() ? classes_[static_cast<size_t>(id)] : TokenClass{};
  }
  const std::vector<int32_t>& digits() const { return digits_; }  // the ids of that class
  std::string_view bytes_of(int32_t id) const { return tokenizer_->bytes_of(id); }
  bool begins_boxes(int32_t id) const { return id == boxes_begin_; }  // <|det|>
  bool ends_boxes(int32_t id) const { return id == boxes_end_; }      // <|/det|>

 private:
  const Tokenizer* tokenizer_;  // outlives it
  std::vector<TokenClass> classes_;
  std::vector<int32_t> digits_;
  int32_t boxes_begin_;
  int32_t boxes_end_;
};

}  // namespace lectern
