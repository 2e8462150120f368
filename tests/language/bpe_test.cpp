#include "language/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lectern {
namespace {

// Merging as it is defined: the first of the lowest-ranked pairs, again and again.
std::vector<int32_t> merge_slowly(const std::vector<Merge>& merges, std::vector<int32_t> ids) {
  std::map<std::pair<int32_t, int32_t>, size_t> ranks;
  for (size_t rank = 0; rank < merges.size(); ++rank) ranks[{merges[rank].left, merges[rank].right}] = rank;
  for (;;) {
    size_t best = merges.size(), position = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found != ranks.end() && found->second < best) {
        best = found->second;
        position = i;
      }
    }
    if (best == merges.size()) return ids;
    ids[position] = merges[best].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(position) + 1);
  }
}

TEST(BytePairEncoder, AgreesWithTheSlowWay) {
  std::mt19937 random(7);
  std::array<int32_t, 256> byte_ids;
  for (int32_t byte = 0; byte < 256; ++byte) byte_ids[static_cast<size_t>(byte)] = byte;
  for (int round = 0; round < 300; ++round) {
    // Tokens over "abc", each the concatenation of two earlier ones. One string, one id.
    std::map<std::string, int32_t> ids = {{"a", 'a'}, {"b", 'b'}, {"c", 'c'}};
    std::vector<std::string> tokens = {"a", "b", "c"};
    std::vector<Merge> merges;
    while (merges.size() < 25) {
      const std::string left = tokens[random() % tokens.size()], right = tokens[random() % tokens.size()];
      const auto [entry, is_new] = ids.emplace(left + right, static_cast<int32_t>(256 + ids.size()));
      if (is_new) tokens.push_back(left + right);
      merges.push_back({ids[left], ids[right], entry->second});
    }
    std::shuffle(merges.begin(), merges.end(), random);
    std::string text(1 + random() % 60, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);

    BytePairEncoder::Scratch scratch;
    std::vector<int32_t> fast;
    BytePairEncoder(byte_ids, merges).encode(text, scratch, fast);
    EXPECT_EQ(fast, merge_slowly(merges, std::vector<int32_t>(text.begin(), text.end()))) << text;
  }
}

}  // namespace
}  // namespace lectern
