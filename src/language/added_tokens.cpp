#include "language/added_tokens.h"

namespace lectern {

uint32_t AddedTokenFinder::child(uint32_t node, char byte) const {
  const auto found = children_.find(uint64_t{node} << 8 | static_cast<uint8_t>(byte));
  return found == children_.end() ? no_child : found->second;
}

void AddedTokenFinder::add(std::string_view content, int32_t id) {
  first_bytes_.set(static_cast<uint8_t>(content.front()));
  uint32_t node = 0;
  for (const char byte : content) {
    const auto unused = static_cast<uint32_t>(ids_.size());
    const auto [entry, is_new] = children_.try_emplace(uint64_t{node} << 8 | static_cast<uint8_t>(byte), unused);
    if (is_new) ids_.push_back(-1);
    node = entry->second;
  }
  ids_[node] = id;
}

AddedTokenFinder::Match AddedTokenFinder::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!first_bytes_[static_cast<uint8_t>(text[begin])]) continue;
    Match match{begin, 0, -1};
    uint32_t node = 0;
    for (size_t end = begin; end < text.size(); ++end) {
      node = child(node, text[end]);
      if (node == no_child) break;
      if (ids_[node] != -1) match = {begin, end + 1 - begin, ids_[node]};
    }
    if (match.length != 0) return match;
  }
  return {text.size(), 0, -1};
}

}  // namespace lectern
