// What a tokenizer's file may say, and files that are out to hurt.
#include "language/tokenizer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "language/tokenizer_files.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::patched;
using testing::read_json;
using testing::TemporaryFile;
using testing::tokens_of;

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

}  // namespace
}  // namespace lectern
