// Text to token ids and back: byte-level byte pair encoding as described by a Hugging Face tokenizer.json.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "language/added_tokens.h"
#include "language/bpe.h"
#include "language/pre_tokenizer.h"
#include "language/tokenizer_file.h"

namespace lectern {

// Gives the ids and the text that Hugging Face's tokenizers library gives. Nothing changes after loading: threads
// may share one.
class Tokenizer {
 public:
  // Throws Error when `file` cannot be read, is broken, or asks for something that is not supported.
  static Tokenizer load(const std::filesystem::path& file);

  // Added tokens in the text are recognised; none is put before or after it (the post_processor is not applied).
  // A byte that is not part of valid UTF-8 becomes the token of that byte. Throws Error for text of 2 GiB or more,
  // or where a pattern of the file takes too long on it.
  std::vector<int32_t> encode(std::string_view text) const;

  // The text is valid UTF-8: what is not becomes U+FFFD. Ids that no token has are left out, and special tokens
  // too when `skip_special`.
  std::string decode(std::span<const int32_t> ids, bool skip_special) const;

  // The id of an added token by its content, or of a vocabulary entry as it stands in the file ("Ġthe").
  std::optional<int32_t> id_of(std::string_view token) const;

  bool is_special(int32_t id) const;
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }  // 1 + the largest id

  // The bytes that a token stands for, which need not be whole characters; empty for an id that no token has.
  std::string_view bytes_of(int32_t id) const;

 private:
  struct Token {
    std::string bytes;
    bool special = false;
  };
  struct Run;  // the state of one call of encode

  Tokenizer(TokenizerFile file, const std::string& name);  // `name` of the file, for messages
  void encode_around_added(std::string_view text, size_t finder, Run& run) const;
  void encode_plain(std::string_view text, Run& run) const;
  void encode_valid(std::string_view text, Run& run) const;

  TokenIds ids_;
  std::vector<Token> tokens_;                     // by id
  std::array<AddedTokenFinder, 2> added_tokens_;  // normalized = false, which are looked for first, and true
  PreTokenizer pre_tokenizer_;
  std::array<int32_t, 256> byte_ids_;
  BytePairEncoder merger_;
  bool ignore_merges_;
};

// Decodes a stream of ids; never hands out half a character. All it hands out, joined, is what decode gives for
// all the ids. The tokenizer must outlive it.
class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, bool skip_special);

  // The complete characters that are now known; without the last `cut` bytes of the token.
  std::string push(int32_t id, size_t cut = 0);
  std::string finish();  // what was left: an incomplete character becomes U+FFFD. Ready for a new stream then

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;  // the beginning of a character
};

}  // namespace lectern
