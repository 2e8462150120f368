// Reads and checks a Hugging Face tokenizer.json: what the file says, and an Error for what Lectern would not do
// the same way. The file is not trusted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lectern {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using TokenIds = std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>;

// Two neighbouring tokens that become one.
struct Merge {
  int32_t left;
  int32_t right;
  int32_t result;
};

struct AddedToken {
  int32_t id;
  std::string content;
  bool special;
  bool normalized;  // looked for only where no token with normalized = false was found
};

struct SplitPattern {
  std::string text;
  bool is_regex;
};

struct PreTokenizerSettings {
  std::vector<SplitPattern> splits;  // each cuts the pieces that the one before it left
  bool add_prefix_space = false;     // then a piece that does not begin with a space gets one
  bool gpt2_split = false;           // then GPT-2's pattern cuts last
};

struct TokenizerFile {
  TokenIds vocabulary;         // in the byte alphabet: "Ġthe" for " the"
  std::vector<Merge> merges;   // the first is applied first
  bool ignore_merges = false;  // a piece that is a token as a whole is not merged up from its bytes
  std::vector<AddedToken> added_tokens;
  PreTokenizerSettings pre_tokenizer;
};

// Ids lie in [0, token_id_limit), and no two tokens share one. Throws Error.
inline constexpr int32_t token_id_limit = 1 << 20;
TokenizerFile read_tokenizer_file(const std::filesystem::path& file);

// `text` for a message: in double quotes, on one line, cut when long.
std::string in_quotes(std::string_view text);

}  // namespace lectern
