// Stop strings: the text ends before the first one that the model writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

class Tokenizer;

struct StopStrings {
  const Tokenizer* tokenizer = nullptr;  // kept by the caller until the request has finished
  std::vector<std::string> strings;      // empty ones do nothing
};

// Incremental search in the bytes of one sequence's tokens. Strings may begin and end within tokens.
class StopSearch {
 public:
  explicit StopSearch(StopStrings stop) : stop_(std::move(stop)) {}

  struct Match {
    int64_t tokens = 0;    // that hold text before the string
    size_t cut_bytes = 0;  // of the last of them that belong to the string
  };
  // The first string to begin, in what was written up to here.
  std::optional<Match> push(int32_t token);
  // Keeps only the first `tokens`.
  void resize(int64_t tokens);
  // The tokens at the beginning that cannot belong to a stop string any more.
  int64_t committed() const;

 private:
  int64_t token_at(size_t byte) const;  // that holds it

  StopStrings stop_;
  std::string text_;
  std::vector<size_t> ends_;  // of every token in text_
};

}  // namespace lectern
