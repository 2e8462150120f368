// The tokenizer against Hugging Face's library, of the published files.
#include "language/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/utf8.h"
#include "language/tokenizer_files.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::mini;
using testing::published;
using testing::read_json;

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

}  // namespace
}  // namespace lectern
