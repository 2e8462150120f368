#include "engine/stop_strings.h"

#include <algorithm>

#include "language/tokenizer.h"

namespace lectern {

int64_t StopSearch::token_at(size_t byte) const { return std::ranges::upper_bound(ends_, byte) - ends_.begin(); }

std::optional<StopSearch::Match> StopSearch::push(int32_t token) {
  const size_t before = text_.size();
  text_ += stop_.tokenizer->bytes_of(token);
  ends_.push_back(text_.size());
  size_t found = std::string::npos;
  for (const std::string& string : stop_.strings) {
    if (string.empty()) continue;
    const size_t from = before - std::min(before, string.size() - 1);
    found = std::min(found, text_.find(string, from));
  }
  if (found == std::string::npos) return std::nullopt;
  const int64_t holder = token_at(found);
  const size_t begin = holder == 0 ? 0 : ends_[static_cast<size_t>(holder - 1)];
  if (begin == found) return Match{holder, 0};
  return Match{holder + 1, ends_[static_cast<size_t>(holder)] - found};
}

void StopSearch::resize(int64_t tokens) {
  ends_.resize(static_cast<size_t>(tokens));
  text_.resize(ends_.empty() ? 0 : ends_.back());
}

int64_t StopSearch::committed() const {
  size_t kept = text_.size();
  for (const std::string& string : stop_.strings) {
    // The longest end of the text with which the string begins.
    for (size_t length = std::min(text_.size(), string.empty() ? 0 : string.size() - 1); length > 0; --length) {
      if (!std::string_view(text_).ends_with(std::string_view(string).substr(0, length))) continue;
      kept = std::min(kept, text_.size() - length);
      break;
    }
  }
  return kept == text_.size() ? static_cast<int64_t>(ends_.size()) : token_at(kept);
}

}  // namespace lectern
