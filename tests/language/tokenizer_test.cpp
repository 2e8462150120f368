// The tokenizer against Hugging Face's library, against a slow merge loop, and against files that are out to hurt.
#include "language/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path data_folder = std::filesystem::path(TEST_DATA) / "tokenizer";

const Tokenizer& published() {
  static const Tokenizer tokenizer = Tokenizer::load(data_folder / "tokenizer.json");
  return tokenizer;
}

const Tokenizer& mini() {
  static const Tokenizer tokenizer = Tokenizer::load(data_folder / "mini.json");
  return tokenizer;
}

json read_json(const std::string& name) { return json::parse(std::ifstream(data_folder / name)); }

// A file for one test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("lectern-") + test->test_suite_name() + "-" + test->name() + ".json";
    std::replace(name.begin(), name.end(), '/', '-');
    path_ = std::filesystem::path(::testing::TempDir()) / name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The mini tokenizer (single bytes, no merges) changed by a JSON Patch.
Tokenizer patched(const std::string& patch) {
  const TemporaryFile file(read_json("mini.json").patch(json::parse(patch)).dump());
  return Tokenizer::load(file.path());
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    if (state != Utf8State::valid) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string bytes_of(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::string bytes;
  for (const int32_t id : ids) bytes += tokenizer.bytes_of(id);
  return bytes;
}

// The text of each token.
std::vector<std::string> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  for (const int32_t id : tokenizer.encode(text)) tokens.emplace_back(tokenizer.bytes_of(id));
  return tokens;
}

std::string stream(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip_special) {
  TextStream stream(tokenizer, skip_special);
  std::string text;
  for (const int32_t id : ids) {
    const std::string chunk = stream.push(id);
    EXPECT_TRUE(is_valid_utf8(chunk)) << "after id " << id;
    text += chunk;
  }
  return text + stream.finish();
}

TEST(Tokenizer, AgreesWithHuggingFace) {
  const json cases = read_json("tokenizer_cases.json");
  ASSERT_EQ(cases.size(), 39u);
  for (const json& one : cases) {
    const auto text = one["text"].get<std::string>();
    SCOPED_TRACE(text);
    const auto ids = one["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(published().encode(text), ids);
    EXPECT_EQ(published().decode(ids, false), one["decoded"].get<std::string>());
    EXPECT_EQ(published().decode(ids, true), one["decoded_skip_special"].get<std::string>());
  }
}

TEST(Tokenizer, StreamsWhatItDecodes) {
  for (const json& one : read_json("tokenizer_cases.json")) {
    const auto text = one["text"].get<std::string>();
    SCOPED_TRACE(text);
    for (const Tokenizer* tokenizer : {&published(), &mini()}) {
      const std::vector<int32_t> ids = tokenizer->encode(text);
      for (const bool skip_special : {false, true}) {
        EXPECT_EQ(stream(*tokenizer, ids, skip_special), tokenizer->decode(ids, skip_special));
      }
    }
  }
}

TEST(Tokenizer, StreamsWhatItDecodesOfAnyIds) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<int32_t> ids(20);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % 520) - 4;  // bytes, specials, and no token at all
    for (const Tokenizer* tokenizer : {&published(), &mini()}) {
      const std::string text = tokenizer->decode(ids, true);
      EXPECT_TRUE(is_valid_utf8(text));
      EXPECT_EQ(stream(*tokenizer, ids, true), text);
    }
  }
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer& tokenizer = published();
  EXPECT_EQ(tokenizer.size(), 128827);
  EXPECT_EQ(tokenizer.id_of("<image>"), 128815);
  EXPECT_EQ(tokenizer.id_of("<｜end▁of▁sentence｜>"), 1);
  EXPECT_TRUE(tokenizer.id_of("Ġthe").has_value());
  EXPECT_EQ(tokenizer.bytes_of(*tokenizer.id_of("Ġthe")), " the");
  EXPECT_EQ(tokenizer.id_of("no such token"), std::nullopt);
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_TRUE(tokenizer.is_special(128815));
  EXPECT_FALSE(tokenizer.is_special(19923));
  EXPECT_FALSE(tokenizer.is_special(*tokenizer.id_of("<｜User｜>")));  // added, not special
  for (const int32_t id : {-1, INT32_MIN, 128827, INT32_MAX}) {
    EXPECT_FALSE(tokenizer.is_special(id));
    EXPECT_EQ(tokenizer.bytes_of(id), "");
  }
}

TEST(Tokenizer, LeavesOutIdsWithoutAToken) {
  EXPECT_EQ(published().decode(std::vector<int32_t>{-1, 19923, 128827, INT32_MAX, 14, INT32_MIN}, false), "Hello,");
}

TEST(Tokenizer, TakesAnyBytes) {
  const std::vector<std::string> texts = {"\xFF",         "a\xFF\xFE z",      "\xE2\x82", "\xE2<image>\x82\xAC",
                                          "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\xAF", std::string("\0x\0", 3)};
  for (const std::string& text : texts) {
    EXPECT_EQ(bytes_of(published(), published().encode(text)), text);
    EXPECT_EQ(bytes_of(mini(), mini().encode(text)), text);
  }
  EXPECT_TRUE(published().encode("").empty());
  EXPECT_EQ(published().decode(published().encode("a\xFF\xE2\x82z\xF0\x9F"), false), "a\uFFFD\uFFFDz\uFFFD");
}

TEST(Tokenizer, ReplacesAsHuggingFaceDoes) {
  // One U+FFFD for each maximal beginning of a character, as Rust's from_utf8_lossy.
  const std::vector<std::pair<std::string, std::string>> cases = {{"\xF0\x9F\x92z", "\uFFFDz"},
                                                                  {"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},
                                                                  {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
                                                                  {"\xC2\xC2\xA9", "\uFFFD\u00A9"},
                                                                  {"\x80", "\uFFFD"},
                                                                  {"\xF0\x9F", "\uFFFD"}};
  for (const auto& [bytes, expected] : cases) {
    EXPECT_EQ(mini().decode(mini().encode(bytes), false), expected);
    EXPECT_EQ(stream(mini(), mini().encode(bytes), false), expected);
  }
}

TEST(Tokenizer, ServesManyThreads) {
  const std::string text = "The quick brown fox, 1 000 times. 天下 <td>x</td>\n";
  const std::vector<int32_t> expected = published().encode(text);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) EXPECT_EQ(published().encode(text), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Tokenizer, RoundTripsAMegabyte) {
  std::string mixed;
  for (const json& one : read_json("tokenizer_cases.json")) mixed += one["text"].get<std::string>() + "\n";
  for (const std::string& unit : {mixed, std::string("a"), std::string(" "), std::string("先天"), std::string("=-")}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_EQ(published().decode(published().encode(text), false), text) << unit.substr(0, 20);
  }
}

TEST(TextStream, HoldsBackHalfACharacter) {
  const std::vector<int32_t> ids = mini().encode("a🚀b");
  ASSERT_EQ(ids.size(), 6u);
  TextStream text(mini(), false);
  std::vector<std::string> chunks;
  for (const int32_t id : ids) chunks.push_back(text.push(id));
  EXPECT_THAT(chunks, ElementsAre("a", "", "", "", "🚀", "b"));
  EXPECT_EQ(text.finish(), "");
}

TEST(TextStream, ReplacesACharacterThatNeverEnds) {
  const std::vector<int32_t> ids = mini().encode("🚀");
  TextStream text(mini(), true);
  EXPECT_EQ(text.push(ids[0]), "");
  EXPECT_EQ(text.push(ids[1]), "");
  EXPECT_EQ(text.push(1), "");  // a special token, left out
  EXPECT_EQ(text.finish(), "\uFFFD");
  EXPECT_EQ(text.finish(), "");
  EXPECT_EQ(text.push(ids[0]), "");
  EXPECT_EQ(text.push(mini().encode("x")[0]), "\uFFFDx");
}

TEST(MiniTokenizer, HasOneTokenForEachByte) {
  EXPECT_EQ(mini().size(), 512);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const std::vector<int32_t> ids = mini().encode(text);
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_EQ(mini().bytes_of(ids[0]), text);
  }
  EXPECT_EQ(mini().encode("<image>\nhi").size(), 4u);
  EXPECT_EQ(mini().decode(mini().encode("<image>\nhi"), true), "\nhi");
}

TEST(TokenizerFile, TakesMergesInBothForms) {
  for (const char* merges : {R"(["t h", "Ġ th"])", R"([["t", "h"], ["Ġ", "th"]])"}) {
    const Tokenizer tokenizer = patched(std::string(R"([
        {"op": "add", "path": "/model/vocab/th", "value": 600}, {"op": "add", "path": "/model/vocab/Ġth", "value": 601},
        {"op": "replace", "path": "/model/merges", "value": )") +
                                        merges + "}]");
    EXPECT_EQ(tokenizer.size(), 602);
    EXPECT_THAT(tokens_of(tokenizer, "th tht"), ElementsAre("th", " th", "t"));
  }
}

TEST(TokenizerFile, TakesAWholeTokenWhenMergesAreIgnored) {
  const std::string vocabulary = R"([{"op": "add", "path": "/model/vocab/xyz", "value": 600})";
  EXPECT_EQ(patched(vocabulary + "]").encode("xyz").size(), 3u);
  const std::string ignore = R"(, {"op": "add", "path": "/model/ignore_merges", "value": true}])";
  EXPECT_THAT(patched(vocabulary + ignore).encode("xyz"), ElementsAre(600));
}

TEST(TokenizerFile, FindsTheLongestAddedTokenAndTheNormalizedOnesLast) {
  const Tokenizer tokenizer = patched(R"([
      {"op": "add", "path": "/added_tokens/-", "value": {"id": 600, "content": "ab"}},
      {"op": "add", "path": "/added_tokens/-", "value": {"id": 601, "content": "abcd"}},
      {"op": "add", "path": "/added_tokens/-", "value": {"id": 602, "content": "bx", "normalized": false}},
      {"op": "add", "path": "/added_tokens/-", "value": {"id": 603, "content": "é ", "special": true}}])");
  EXPECT_THAT(tokenizer.encode("abcdabcabx"), ElementsAre(601, 600, tokenizer.id_of("c"), tokenizer.id_of("a"), 602));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("abé ab"), false), "abé ab");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("abé ab"), true), "abab");
}

// Pieces are seen through the merge of everything: "xx" is one token wherever no cut lies between.
TEST(TokenizerFile, CutsByEachPattern) {
  const auto split = [](const std::string& steps, std::string_view text) {
    const Tokenizer tokenizer = patched(std::string(R"([
        {"op": "add", "path": "/model/vocab/xx", "value": 600}, {"op": "add", "path": "/model/vocab/Ġx", "value": 601},
        {"op": "add", "path": "/model/vocab/x.", "value": 602},
        {"op": "replace", "path": "/model/merges", "value": ["x x", "Ġ x", "x ."]},
        {"op": "replace", "path": "/pre_tokenizer", "value": )") +
                                        steps + "}]");
    return tokens_of(tokenizer, text);
  };
  const auto sequence = [](const char* kind, const char* pattern) {
    const json step = {{"type", "Split"}, {"behavior", "Isolated"}, {"invert", false}, {"pattern", {{kind, pattern}}}};
    const json last = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
    return json{{"type", "Sequence"}, {"pretokenizers", {step, last}}}.dump();
  };
  const auto byte_level = [](const std::string& prefix, const std::string& regex) {
    return R"({"type": "ByteLevel", "add_prefix_space": )" + prefix + R"(, "use_regex": )" + regex + "}";
  };
  EXPECT_THAT(split(byte_level("false", "false"), "xx x."), ElementsAre("xx", " x", "."));
  EXPECT_THAT(split(byte_level("true", "false"), "x."), ElementsAre(" x", "."));
  EXPECT_THAT(split(byte_level("true", "false"), " x."), ElementsAre(" x", "."));
  EXPECT_THAT(split(byte_level("false", "true"), "x.x"), ElementsAre("x", ".", "x"));
  EXPECT_THAT(split(sequence("String", "x."), "xx.xx"), ElementsAre("x", "x.", "xx"));
  EXPECT_THAT(split(sequence("String", ""), "xxx"), ElementsAre("x", "x", "x"));
  EXPECT_THAT(split(sequence("Regex", "x(?=\\.)"), "xx."), ElementsAre("x", "x", "."));
  EXPECT_THAT(split(sequence("Regex", "(?=x\\.)"), "éxxx."), ElementsAre("\xC3", "\xA9", "xx", "x."));
}

TEST(TokenizerFile, GivesUpOnAPatternThatTakesForever) {
  const Tokenizer tokenizer = patched(R"([{"op": "replace", "path": "/pre_tokenizer", "value": {"type": "Sequence",
      "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(?:a|a)+\\d"}, "behavior": "Isolated"},
                        {"type": "ByteLevel"}]}}])");
  try {
    tokenizer.encode(std::string(60, 'a'));
    FAIL() << "no Error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("pre_tokenizer: a pattern cannot be applied: match limit exceeded"));
  }
}

void expect_error(const std::filesystem::path& file, const std::string& message) {
  try {
    Tokenizer::load(file);
    ADD_FAILURE() << "no Error, expected: " << message;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith(file.string() + ": "));
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  }
}

TEST(HostileTokenizerFile, CannotBeRead) {
  expect_error("/no/such/tokenizer.json", "cannot be opened");
  expect_error(::testing::TempDir(), "cannot be");
}

TEST(HostileTokenizerFile, IsNoTokenizer) {
  const auto nested = [](const std::string& open, size_t size) {
    std::string text;
    while (text.size() < size) text += open;
    return text;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not valid JSON at byte 1"},
      {"hello", "not valid JSON at byte 1"},
      {"{\"model\": {\"vocab\": {\"a\": 1", "not valid JSON at byte"},
      {"{\"model\": {\"merges\": [", "not valid JSON at byte"},
      {"{\"a\": \"\xFF\"}", "not valid JSON at byte"},
      {"{\"a\": 1e999}", "not valid JSON (error 406)"},
      {"[]", "expected a JSON object"},
      {"null", "expected a JSON object"},
      {"{}", "expected decoder to be an object"},
      {nested("[", 1'000'000), "nested deeper than 64 levels"},
      {nested("{\"a\":", 1'000'000), "nested deeper than 64 levels"},
      {"{\"model\": {\"merges\": " + nested("[", 1'000'000), "nested deeper than 64 levels"},
      {nested("]", 1'000'000), "not valid JSON at byte 1"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text.substr(0, 60));
    const TemporaryFile file(text);
    expect_error(file.path(), message);
  }
}

TEST(HostileTokenizerFile, NamesATokenTwice) {
  std::string text = read_json("mini.json").dump();
  const std::string vocab = "\"vocab\":{";
  text.insert(text.find(vocab) + vocab.size(), "\"A\":700,");
  const TemporaryFile file(text);
  expect_error(file.path(), "model.vocab, token \"A\": listed twice");
}

struct BadPatch {
  std::string operation;  // of JSON Patch
  std::string path;
  std::string value;
  std::string message;
};

TEST(HostileTokenizerFile, SaysSomethingElse) {
  const std::string byte_level = R"({"type": "ByteLevel"})";
  const auto split = [](const std::string& members) {
    return R"([{"type": "Split", )" + members + R"(}, {"type": "ByteLevel"}])";
  };
  const auto sequence = [](const std::string& steps) {
    return R"({"type": "Sequence", "pretokenizers": )" + steps + "}";
  };
  const std::string long_token(1025, 'x');
  const std::vector<BadPatch> cases = {
      {"replace", "/model", "7", "expected model to be an object"},
      {"replace", "/model", R"([["x"]])", "expected model to be an object"},
      {"replace", "/model/type", R"("Word\nPiece")", R"(model: expected type BPE, not "Word\x0APiece")"},
      {"remove", "/model/type", "0", "model: expected type to be a string"},
      {"replace", "/model/dropout", "0.1", "model: dropout is set"},
      {"replace", "/model/continuing_subword_prefix", R"("##")", "model: continuing_subword_prefix is set"},
      {"replace", "/model/end_of_word_suffix", "1", "model: end_of_word_suffix is set"},
      {"add", "/model/ignore_merges", "1", "model: expected ignore_merges to be true or false"},

      {"replace", "/model/vocab", "[1]", "model: expected vocab to be an object"},
      {"remove", "/model/vocab", "0", "model: expected vocab to be an object"},
      {"replace", "/model/vocab", "{}", "model.vocab: no token for the byte 0, expected \"Ā\""},
      {"remove", "/model/vocab/A", "0", "model.vocab: no token for the byte 65, expected \"A\""},
      {"replace", "/model/vocab/A", "-1", "model.vocab, token \"A\": expected an id that is an integer from 0 to"},
      {"replace", "/model/vocab/A", "1048576", "model.vocab, token \"A\": expected an id"},
      {"replace", "/model/vocab/A", "18446744073709551615", "model.vocab, token \"A\": expected an id"},
      {"replace", "/model/vocab/A", "1e3", "model.vocab, token \"A\": expected an id"},
      {"replace", "/model/vocab/A", "\"1\"", "model.vocab, token \"A\": expected an id"},
      {"replace", "/model/vocab/A", "[1]", "model.vocab, token \"A\": expected an id"},
      {"replace", "/model/vocab/A", R"({"B": 1})", "model.vocab, token \"A\": expected an id"},
      {"add", "/model/vocab/xx", "50", "id 50 belongs to"},

      {"replace", "/model/merges", "{}", "model: expected merges to be an array"},
      {"replace", "/model/merges", "\"a b\"", "model: expected merges to be an array"},
      {"replace", "/model/merges", "[1]", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"(["ab"])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"(["a b c"])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"([["a"]])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"([["a", 1]])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"([["a", ["b"]]])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"([{"a": "b"}])", "model.merges, merge 0: expected \"left right\""},
      {"replace", "/model/merges", R"(["a b"])", "model.merges, merge 0: token \"ab\" is not in model.vocab"},
      {"replace", "/model/merges", R"(["a no"])", "model.merges, merge 0: token \"no\" is not in model.vocab"},
      {"replace", "/model/merges", R"([" a"])", "model.merges, merge 0: token \"\" is not in model.vocab"},

      {"replace", "/added_tokens", "{}", "expected added_tokens to be an array"},
      {"replace", "/added_tokens/0", "1", "added_tokens, entry 0: expected an object"},
      {"replace", "/added_tokens/0/content", "1", "added_tokens, entry 0: expected content to be a string"},
      {"replace", "/added_tokens/0/content", "\"\"", "added_tokens, entry 0: expected content of 1 to 1024 bytes"},
      {"replace", "/added_tokens/0/content", '"' + long_token + '"', "expected content of 1 to 1024 bytes"},
      {"replace", "/added_tokens/0/id", "-5", "begin▁of▁sentence｜>\": expected an id"},
      {"replace", "/added_tokens/0/id", "4294967296", "begin▁of▁sentence｜>\": expected an id"},
      {"replace", "/added_tokens/0/id", "700", "has the id 700, but 0 in model.vocab"},
      {"replace", "/added_tokens/14/id", "3", "added_tokens, token \"<|Assistant|>\": id 3 belongs to"},
      {"replace", "/added_tokens/14/id", "510", "id 510 belongs to \"<|User|>\" too"},
      {"replace", "/added_tokens/14/content", "\"<|User|>\"", "added_tokens, token \"<|User|>\": listed twice"},
      {"replace", "/added_tokens/14/lstrip", "true", "token \"<|Assistant|>\": lstrip is true, which is not supported"},
      {"replace", "/added_tokens/14/rstrip", "true", "rstrip is true, which is not supported"},
      {"replace", "/added_tokens/14/single_word", "true", "single_word is true, which is not supported"},
      {"replace", "/added_tokens/14/special", "\"yes\"", "expected special to be true or false"},

      {"replace", "/normalizer", R"({"type": "NFC"})", "normalizer: expected null or an empty Sequence"},
      {"replace", "/normalizer/normalizers", R"([{"type": "NFC"}])", "normalizer: expected null or an empty Sequence"},
      {"replace", "/normalizer", "3", "normalizer: expected null or an object"},
      {"replace", "/decoder/type", R"("Metaspace")", "decoder: expected type ByteLevel"},

      {"replace", "/pre_tokenizer", "null", "expected pre_tokenizer to be an object"},
      {"replace", "/pre_tokenizer", R"({"type": "Whitespace"})", "pre_tokenizer: expected ByteLevel"},
      {"replace", "/pre_tokenizer/use_regex", "1", "pre_tokenizer: expected use_regex to be true or false"},
      {"replace", "/pre_tokenizer", sequence("[]"), "pre_tokenizer: expected 1 to 64 steps, not 0"},
      {"replace", "/pre_tokenizer", sequence("[1]"), "pre_tokenizer, step 0: expected an object"},
      {"replace", "/pre_tokenizer", sequence("[" + byte_level + "," + byte_level + "]"),
       "pre_tokenizer, step 0: expected Split before the last step, not \"ByteLevel\""},
      {"replace", "/pre_tokenizer", sequence(split(R"("behavior": "Removed", "pattern": {"String": "x"})")),
       "pre_tokenizer, step 0: expected behavior Isolated, not \"Removed\""},
      {"replace", "/pre_tokenizer",
       sequence(split(R"("behavior": "Isolated", "invert": true, "pattern": {"String": "x"})")),
       "pre_tokenizer, step 0: invert is true"},
      {"replace", "/pre_tokenizer", sequence(split(R"("behavior": "Isolated", "pattern": "x")")),
       "pre_tokenizer, step 0: expected pattern to be an object"},
      {"replace", "/pre_tokenizer", sequence(split(R"("behavior": "Isolated", "pattern": {"Regex": 1})")),
       "pre_tokenizer, step 0: expected Regex to be a string"},
      {"replace", "/pre_tokenizer", sequence(split(R"("behavior": "Isolated", "pattern": {"Regex": "a(b"})")),
       "pre_tokenizer: pattern \"a(b\" does not compile: missing closing parenthesis at byte 3"},
      {"replace", "/pre_tokenizer", sequence(split(R"("behavior": "Isolated", "pattern": {"Regex": "\\C"})")),
       "does not compile"},
      {"replace", "/pre_tokenizer",
       sequence(split(R"("behavior": "Isolated", "pattern": {"String": ")" + std::string(70'000, 'x') + "\"}")),
       "pre_tokenizer: a pattern is longer than 64 KiB"},
  };
  const json base = read_json("mini.json");
  for (const auto& [operation, path, value, message] : cases) {
    SCOPED_TRACE(path + " " + value.substr(0, 80));
    const json patch = {{{"op", operation}, {"path", path}, {"value", json::parse(value)}}};
    const TemporaryFile file(base.patch(patch).dump());
    expect_error(file.path(), message);
  }
}

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
