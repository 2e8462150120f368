#include "language/tokenizer.h"

#include <algorithm>
#include <utility>

#include "core/utf8.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr size_t text_limit = size_t{1} << 31;

// The byte alphabet: tokens are written with one printable character for each byte. Printable Latin-1 stands for
// itself, the other 68 bytes are U+0100 and up.
std::array<std::string, 256> make_byte_alphabet() {
  std::array<std::string, 256> alphabet;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const unsigned code = itself ? byte : next++;
    if (code < 0x80) {
      alphabet[byte] = {static_cast<char>(code)};
    } else {
      alphabet[byte] = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    }
  }
  return alphabet;
}

const std::array<std::string, 256>& byte_alphabet() {
  static const std::array<std::string, 256> alphabet = make_byte_alphabet();
  return alphabet;
}

// The bytes of each character of the alphabet.
class AlphabetReader {
 public:
  AlphabetReader() {
    bytes_.fill(-1);
    for (size_t byte = 0; byte < 256; ++byte) bytes_[index(byte_alphabet()[byte])] = static_cast<int16_t>(byte);
  }

  // A token with a character outside the alphabet (an added token may have one) stands for its own UTF-8.
  std::string read(std::string_view token) const {
    std::string result;
    for (size_t i = 0; i < token.size();) {
      const size_t length = first_utf8(token.substr(i)).length;
      const int byte = length > 2 ? -1 : bytes_[index(token.substr(i, length))];
      if (byte < 0) return std::string(token);
      result += static_cast<char>(byte);
      i += length;
    }
    return result;
  }

 private:
  // The code point of a character of one or two bytes.
  static size_t index(std::string_view character) {
    const auto lead = static_cast<uint8_t>(character[0]);
    return character.size() == 1 ? lead : (lead & 0x1Fu) << 6 | (static_cast<uint8_t>(character[1]) & 0x3Fu);
  }

  std::array<int16_t, 0x800> bytes_;
};

std::array<int32_t, 256> find_byte_ids(const TokenIds& vocabulary, const std::string& name) {
  std::array<int32_t, 256> ids;
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto found = vocabulary.find(byte_alphabet()[byte]);
    if (found == vocabulary.end()) {
      throw Error(name + ": model.vocab: no token for the byte " + std::to_string(byte) + ", expected " +
                      in_quotes(byte_alphabet()[byte]),
                  ErrorCode::corrupt_input);
    }
    ids[byte] = found->second;
  }
  return ids;
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
  return Tokenizer(read_tokenizer_file(file), file.string());
}

Tokenizer::Tokenizer(TokenizerFile file, const std::string& name)
    : ids_(std::move(file.vocabulary)),
      pre_tokenizer_(file.pre_tokenizer, name),
      byte_ids_(find_byte_ids(ids_, name)),
      merger_(byte_ids_, file.merges),
      ignore_merges_(file.ignore_merges) {
  for (const AddedToken& added : file.added_tokens) {
    ids_.emplace(added.content, added.id);
    added_tokens_[added.normalized ? 1 : 0].add(added.content, added.id);
  }
  int32_t largest = 0;
  for (const auto& [token, id] : ids_) largest = std::max(largest, id);
  tokens_.resize(static_cast<size_t>(largest) + 1);
  const AlphabetReader alphabet;
  for (const auto& [token, id] : ids_) tokens_[static_cast<size_t>(id)].bytes = alphabet.read(token);
  for (const AddedToken& added : file.added_tokens) tokens_[static_cast<size_t>(added.id)].special = added.special;
}

struct Tokenizer::Run {
  std::vector<int32_t> ids;
  BytePairEncoder::Scratch scratch;
  std::string token;  // a piece in the byte alphabet
};

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  if (text.size() >= text_limit) {
    throw Error("text to encode: " + std::to_string(text.size()) + " bytes, expected less than 2 GiB");
  }
  Run run;
  encode_around_added(text, 0, run);
  return std::move(run.ids);
}

// The tokens of added_tokens_[finder], and what lies between them with the next finder.
void Tokenizer::encode_around_added(std::string_view text, size_t finder, Run& run) const {
  if (finder == added_tokens_.size()) return encode_plain(text, run);
  for (size_t position = 0; position < text.size();) {
    const auto match = added_tokens_[finder].find(text, position);
    encode_around_added(text.substr(position, match.begin - position), finder + 1, run);
    if (match.length != 0) run.ids.push_back(match.id);
    position = match.begin + match.length;
  }
}

// Text without added tokens: the stretches of valid UTF-8, and the bytes between them.
void Tokenizer::encode_plain(std::string_view text, Run& run) const {
  size_t begin = 0, end = 0;
  while (end < text.size()) {
    const auto [length, state] = first_utf8(text.substr(end));
    if (state != Utf8State::valid) {
      encode_valid(text.substr(begin, end - begin), run);
      for (const char byte : text.substr(end, length)) run.ids.push_back(byte_ids_[static_cast<uint8_t>(byte)]);
      begin = end + length;
    }
    end += length;
  }
  encode_valid(text.substr(begin), run);
}

void Tokenizer::encode_valid(std::string_view text, Run& run) const {
  if (text.empty()) return;
  const TextPieces pieces = pre_tokenizer_.split(text);
  for (const std::string_view piece : pieces.views) {
    if (ignore_merges_) {
      run.token.clear();
      for (const char byte : piece) run.token += byte_alphabet()[static_cast<uint8_t>(byte)];
      if (const auto id = id_of(run.token)) {
        run.ids.push_back(*id);
        continue;
      }
    }
    merger_.encode(piece, run.scratch, run.ids);
  }
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (!skip_special || !is_special(id)) bytes += bytes_of(id);
  }
  std::string text;
  text.reserve(bytes.size());
  if (append_utf8(bytes, text) < bytes.size()) text += replacement_character;
  return text;
}

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < size() && tokens_[static_cast<size_t>(id)].special;
}

std::string_view Tokenizer::bytes_of(int32_t id) const {
  return id >= 0 && id < size() ? std::string_view(tokens_[static_cast<size_t>(id)].bytes) : std::string_view();
}

TextStream::TextStream(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string TextStream::push(int32_t id, size_t cut) {
  if (skip_special_ && tokenizer_->is_special(id)) return {};
  const std::string_view bytes = tokenizer_->bytes_of(id);
  pending_ += bytes.substr(0, bytes.size() - std::min(cut, bytes.size()));
  std::string text;
  pending_.erase(0, append_utf8(pending_, text));
  return text;
}

std::string TextStream::finish() {
  const bool incomplete = !pending_.empty();
  pending_.clear();
  return incomplete ? std::string(replacement_character) : std::string();
}

}  // namespace lectern
