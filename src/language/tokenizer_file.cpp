#include "language/tokenizer_file.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lectern/error.h"

namespace lectern {
namespace {

using Json = nlohmann::json;

constexpr size_t file_limit = size_t{64} << 20;  // bytes; the published file has 4.3 million
constexpr int nesting_limit = 64;
constexpr size_t added_token_limit = 1024;  // bytes of one added token
constexpr size_t split_limit = 64;          // steps of a pre_tokenizer

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : name_(file.string()) {}

  TokenizerFile read() {
    const Json root = parse(contents());
    if (!root.is_object()) fail("expected a JSON object");
    check_normalizer(root);
    if (type_of(object(root, "decoder", "the file"), "decoder") != "ByteLevel")
      fail("decoder: expected type ByteLevel");
    TokenizerFile result;
    read_model(object(root, "model", "the file"), result);
    read_added_tokens(root, result);
    read_pre_tokenizer(object(root, "pre_tokenizer", "the file"), result.pre_tokenizer);
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(name_ + ": " + message, ErrorCode::corrupt_input);
  }

  std::string contents() const {
    std::ifstream stream(name_, std::ios::binary);
    if (!stream) fail("cannot be opened, expected a tokenizer.json");
    std::string text;
    std::vector<char> block(size_t{1} << 20);
    do {
      stream.read(block.data(), static_cast<std::streamsize>(block.size()));
      text.append(block.data(), static_cast<size_t>(stream.gcount()));
      if (text.size() > file_limit) fail("larger than 64 MiB, expected a tokenizer.json");
    } while (stream);
    if (!stream.eof()) fail("cannot be read, expected a tokenizer.json");
    return text;
  }

  // The file without the entries of model.vocab and model.merges, of which there are too many to keep as Json:
  // they go to vocabulary_ and merges_.
  Json parse(const std::string& text) {
    check_nesting(text);
    std::string outer, inner;  // the keys that lead to where the parser is
    enum class Part : uint8_t { other, vocabulary, merges } part = Part::other;
    const auto keep = [&](int depth, Json::parse_event_t event, Json& value) {
      using Event = Json::parse_event_t;
      if (depth == 2 && part != Part::other) part = Part::other;  // its end
      if (part == Part::vocabulary) return take_token(event, value);
      if (part == Part::merges) return take_merge(depth, event, value);
      if (event == Event::key && depth == 1) outer = value.get_ref<const std::string&>();
      if (event == Event::key && depth == 2) inner = value.get_ref<const std::string&>();
      if (depth == 2 && outer == "model") {
        if (event == Event::object_start && inner == "vocab") part = Part::vocabulary;
        if (event == Event::array_start && inner == "merges") part = Part::merges;
      }
      return true;
    };
    try {
      return Json::parse(text, keep);
    } catch (const Json::parse_error& error) {
      fail("not valid JSON at byte " + std::to_string(error.byte));
    } catch (const Json::exception& error) {
      fail("not valid JSON (error " + std::to_string(error.id) + ")");
    }
  }

  // What the parser meets inside model.vocab. False: Json need not keep it.
  bool take_token(Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::key) {
      vocabulary_.emplace_back(std::move(value.get_ref<std::string&>()), 0);
    } else {
      auto& [token, token_id] = vocabulary_.back();
      if (!is_id(value)) fail_id("model.vocab, token " + in_quotes(token));
      token_id = value.get<int32_t>();
    }
    return false;
  }

  // What the parser meets inside model.merges. False: Json need not keep it.
  bool take_merge(int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (event == Event::array_start && depth == 3) return true;
    if (event == Event::value && depth == 4) return true;
    if (event == Event::value && value.is_string()) {
      std::string& pair = value.get_ref<std::string&>();
      const size_t space = pair.find(' ');
      if (space != pair.npos && pair.find(' ', space + 1) == pair.npos) {
        pair.erase(space, 1);
        merges_.emplace_back(std::move(pair), space);
        return false;
      }
    } else if (event == Event::array_end && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
      std::string& left = value[0].get_ref<std::string&>();
      const size_t left_size = left.size();
      merges_.emplace_back(std::move(left += value[1].get_ref<const std::string&>()), left_size);
      return false;
    }
    fail("model.merges, merge " + std::to_string(merges_.size()) +
         ": expected \"left right\" or [\"left\", \"right\"]");
  }

  // Before parsing, so that a file of brackets costs neither memory nor stack.
  void check_nesting(std::string_view text) const {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '"') in_string = !in_string;
      if (in_string) {
        if (c == '\\') ++i;
      } else if (c == '[' || c == '{') {
        if (++depth > nesting_limit) fail("nested deeper than " + std::to_string(nesting_limit) + " levels");
      } else if (c == ']' || c == '}') {
        --depth;
      }
    }
  }

  // A member, or null where there is none. `object` must be an object.
  static const Json& member(const Json& object, const char* key) {
    static const Json null;
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
  }

  const Json& object(const Json& parent, const char* key, const std::string& where) const {
    const Json& value = member(parent, key);
    if (!value.is_object()) fail(where + ": expected " + key + " to be an object");
    return value;
  }

  const Json& array(const Json& parent, const char* key, const std::string& where) const {
    const Json& value = member(parent, key);
    if (!value.is_array()) fail(where + ": expected " + key + " to be an array");
    return value;
  }

  const std::string& string(const Json& parent, const char* key, const std::string& where) const {
    const Json& value = member(parent, key);
    if (!value.is_string()) fail(where + ": expected " + key + " to be a string");
    return value.get_ref<const std::string&>();
  }

  bool boolean(const Json& parent, const char* key, bool otherwise, const std::string& where) const {
    const Json& value = member(parent, key);
    if (value.is_null()) return otherwise;
    if (!value.is_boolean()) fail(where + ": expected " + key + " to be true or false");
    return value.get<bool>();
  }

  const std::string& type_of(const Json& part, const std::string& where) const { return string(part, "type", where); }

  static bool is_id(const Json& value) {
    // The parser makes every integer from 0 up unsigned.
    return value.is_number_unsigned() && value.get<uint64_t>() < static_cast<uint64_t>(token_id_limit);
  }

  [[noreturn]] void fail_id(const std::string& where) const {
    fail(where + ": expected an id that is an integer from 0 to " + std::to_string(token_id_limit - 1));
  }

  void check_normalizer(const Json& root) const {
    const Json& normalizer = member(root, "normalizer");
    if (normalizer.is_null()) return;
    if (!normalizer.is_object()) fail("normalizer: expected null or an object");
    if (type_of(normalizer, "normalizer") != "Sequence" || !array(normalizer, "normalizers", "normalizer").empty()) {
      fail("normalizer: expected null or an empty Sequence, other normalizers are not supported");
    }
  }

  void read_model(const Json& model, TokenizerFile& result) {
    if (type_of(model, "model") != "BPE") fail("model: expected type BPE, not " + in_quotes(type_of(model, "model")));
    const Json& dropout = member(model, "dropout");
    if (!dropout.is_null() && !(dropout.is_number() && dropout.get<double>() == 0)) {
      fail("model: dropout is set, expected null");
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const Json& value = member(model, key);
      const bool unset = value.is_null() || (value.is_string() && value.get<std::string>().empty());
      if (!unset) fail(std::string("model: ") + key + " is set, expected null");
    }
    result.ignore_merges = boolean(model, "ignore_merges", false, "model");
    object(model, "vocab", "model");
    array(model, "merges", "model");
    read_vocabulary(result);
    read_merges(result);
  }

  void read_vocabulary(TokenizerFile& result) {
    result.vocabulary.reserve(vocabulary_.size());
    for (auto& [token, token_id] : vocabulary_) {
      const auto [entry, is_new] = result.vocabulary.emplace(std::move(token), token_id);
      const std::string& content = entry->first;
      if (!is_new) fail("model.vocab, token " + in_quotes(content) + ": listed twice");
      const std::string& owner = claim(token_id, content);
      if (&owner != &content) {
        fail("model.vocab, token " + in_quotes(content) + ": id " + std::to_string(token_id) + " belongs to " +
             in_quotes(owner) + " too");
      }
    }
    vocabulary_.clear();
  }

  // Whose id it is: of `token` if it was free.
  const std::string& claim(int32_t token_id, const std::string& token) {
    const auto index = static_cast<size_t>(token_id);
    if (index >= owners_.size()) owners_.resize(std::max(index + 1, vocabulary_.size()));
    if (owners_[index] == nullptr) owners_[index] = &token;
    return *owners_[index];
  }

  void read_merges(TokenizerFile& result) const {
    result.merges.reserve(merges_.size());
    for (const auto& [joined, left_size] : merges_) {
      const auto token_id = [&](std::string_view token) {
        const auto found = result.vocabulary.find(token);
        if (found == result.vocabulary.end()) {
          fail("model.merges, merge " + std::to_string(result.merges.size()) + ": token " + in_quotes(token) +
               " is not in model.vocab");
        }
        return found->second;
      };
      const std::string_view both = joined;
      result.merges.push_back({token_id(both.substr(0, left_size)), token_id(both.substr(left_size)), token_id(both)});
    }
  }

  void read_added_tokens(const Json& root, TokenizerFile& result) {
    if (member(root, "added_tokens").is_null()) return;
    TokenIds seen;
    for (const Json& entry : array(root, "added_tokens", "the file")) {
      const std::string position = "added_tokens, entry " + std::to_string(result.added_tokens.size());
      if (!entry.is_object()) fail(position + ": expected an object");
      const std::string& content = string(entry, "content", position);
      if (content.empty() || content.size() > added_token_limit) {
        fail(position + ": expected content of 1 to " + std::to_string(added_token_limit) + " bytes");
      }
      const std::string where = "added_tokens, token " + in_quotes(content);
      if (!is_id(member(entry, "id"))) fail_id(where);
      const auto token_id = member(entry, "id").get<int32_t>();
      if (!seen.emplace(content, token_id).second) fail(where + ": listed twice");
      const auto in_vocabulary = result.vocabulary.find(content);
      if (in_vocabulary != result.vocabulary.end() && in_vocabulary->second != token_id) {
        fail(where + ": has the id " + std::to_string(token_id) + ", but " + std::to_string(in_vocabulary->second) +
             " in model.vocab");
      }
      const std::string& owner = claim(token_id, content);
      if (owner != content)
        fail(where + ": id " + std::to_string(token_id) + " belongs to " + in_quotes(owner) + " too");
      for (const char* flag : {"single_word", "lstrip", "rstrip"}) {
        if (boolean(entry, flag, false, where)) fail(where + ": " + flag + " is true, which is not supported");
      }
      const bool special = boolean(entry, "special", false, where);
      result.added_tokens.push_back({token_id, content, special, boolean(entry, "normalized", !special, where)});
    }
  }

  void read_pre_tokenizer(const Json& part, PreTokenizerSettings& settings) const {
    const std::string where = "pre_tokenizer";
    if (type_of(part, where) != "Sequence") return read_byte_level(part, where, settings);
    const Json& steps = array(part, "pretokenizers", where);
    if (steps.empty() || steps.size() > split_limit) {
      fail(where + ": expected 1 to " + std::to_string(split_limit) + " steps, not " + std::to_string(steps.size()));
    }
    for (size_t i = 0; i < steps.size(); ++i) {
      const std::string step = where + ", step " + std::to_string(i);
      if (!steps[i].is_object()) fail(step + ": expected an object");
      if (i + 1 == steps.size()) {
        read_byte_level(steps[i], step, settings);
      } else {
        settings.splits.push_back(read_split(steps[i], step));
      }
    }
  }

  void read_byte_level(const Json& part, const std::string& where, PreTokenizerSettings& settings) const {
    const std::string& type = type_of(part, where);
    if (type != "ByteLevel") fail(where + ": expected ByteLevel as the last or only step, not " + in_quotes(type));
    settings.add_prefix_space = boolean(part, "add_prefix_space", true, where);
    settings.gpt2_split = boolean(part, "use_regex", true, where);
  }

  SplitPattern read_split(const Json& part, const std::string& where) const {
    const std::string& type = type_of(part, where);
    if (type != "Split") fail(where + ": expected Split before the last step, not " + in_quotes(type));
    const std::string& behavior = string(part, "behavior", where);
    if (behavior != "Isolated") fail(where + ": expected behavior Isolated, not " + in_quotes(behavior));
    if (boolean(part, "invert", false, where)) fail(where + ": invert is true, which is not supported");
    const Json& pattern = object(part, "pattern", where);
    const bool is_regex = pattern.contains("Regex");
    return {string(pattern, is_regex ? "Regex" : "String", where), is_regex};
  }

  std::string name_;
  std::vector<std::pair<std::string, int32_t>> vocabulary_;
  std::vector<std::pair<std::string, size_t>> merges_;  // both tokens, and the size of the left one
  std::vector<const std::string*> owners_;              // of each id in use
};

}  // namespace

TokenizerFile read_tokenizer_file(const std::filesystem::path& file) { return Reader(file).read(); }

std::string in_quotes(std::string_view text) {
  constexpr size_t shown_limit = 60;  // bytes
  std::string result = "\"";
  size_t shown = std::min(text.size(), shown_limit);
  while (shown > 0 && shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80) --shown;
  for (const char c : text.substr(0, shown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02X", byte);
      result += escaped;
    } else {
      result += c;
    }
  }
  return result + (shown < text.size() ? "...\"" : "\"");
}

}  // namespace lectern
