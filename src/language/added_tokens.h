// Finds added tokens ("<image>") in text before it is cut and merged.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lectern {

// A trie of the tokens' bytes.
class AddedTokenFinder {
 public:
  void add(std::string_view content, int32_t id);  // content must not be empty

  struct Match {
    size_t begin;
    size_t length;  // 0: nothing found
    int32_t id;
  };
  // The leftmost token at or after `from`; of those that begin there, the longest.
  Match find(std::string_view text, size_t from) const;

 private:
  static constexpr uint32_t no_child = UINT32_MAX;
  uint32_t child(uint32_t node, char byte) const;

  std::bitset<256> first_bytes_;
  std::unordered_map<uint64_t, uint32_t> children_;  // node * 256 + byte -> node
  std::vector<int32_t> ids_ = {-1};                  // of each node, -1 where no token ends; node 0 is the root
};

}  // namespace lectern
