#include "server/openai/chat/chat_answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/openai/whole_answer.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using testing::whole_of;

const ChatHead head{"chatcmpl-1", 1700000000, "ocr"};

PageAnswer page_of(const std::string& text, const std::string& finish = "end") {
  PageAnswer page;
  page.text = text;
  page.finish = finish;
  page.mode = "native";
  page.prompt_tokens = 100;
  page.tokens = 7;
  return page;
}

TEST(ChatAnswer, TellsTheTruthOfTheEnd) {
  for (const char* whole : {"end", "stop_string", "blank"}) EXPECT_EQ(finish_reason(whole), "stop") << whole;
  for (const char* cut : {"length", "context", "loop", "stopped", "deadline"})
    EXPECT_EQ(finish_reason(cut), "length") << cut;
}

TEST(ChatAnswer, HoldsTextByteForByteUsageAndEnd) {
  const json answer =
      json::parse(chat_completion(head, whole_of({page_of("<|ref|>a<|/ref|>\n\"b\" \xC3\xA9")}), false));
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["id"], "chatcmpl-1");
  EXPECT_EQ(answer["created"], 1700000000);
  EXPECT_EQ(answer["model"], "ocr");
  EXPECT_EQ(answer["choices"].size(), 1u);
  EXPECT_EQ(answer["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "<|ref|>a<|/ref|>\n\"b\" \xC3\xA9");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(answer["choices"][0]["logprobs"].is_null());
  EXPECT_EQ(answer["usage"], json({{"prompt_tokens", 100}, {"completion_tokens", 7}, {"total_tokens", 107}}));
  EXPECT_EQ(answer["lectern"]["finish"], "end");
}

TEST(ChatAnswer, PartsPagesAndEndsAsTheOneThatWasCut) {
  PageAnswer cut = page_of("two", "loop");
  cut.warnings = {{"repetition", "the model repeated itself"}};
  const json answer = json::parse(chat_completion(head, whole_of({page_of("one"), cut, page_of("three")}), false));
  EXPECT_EQ(answer["choices"][0]["message"]["content"],
            "one\n\n<--- Page Split --->\ntwo\n\n<--- Page Split --->\nthree");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(answer["usage"]["total_tokens"], 321);
  EXPECT_EQ(answer["lectern"]["finish"], "loop");
  EXPECT_EQ(answer["lectern"]["pages"][1]["warnings"][0]["code"], "repetition");
  EXPECT_EQ(answer["lectern"]["pages"][2]["finish"], "end");
}

TEST(ChatAnswer, GivesTokensWithTheirBytes) {
  PageAnswer page = page_of("\xC3\xA9!");
  page.written = {{"\xC3", -0.5F}, {"\xA9!", -0.25F}};
  const json tokens = json::parse(chat_completion(head, whole_of({page}), true))["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0]["bytes"], json({0xC3}));
  EXPECT_EQ(tokens[0]["token"], "\xEF\xBF\xBD") << "half a character";
  EXPECT_EQ(tokens[0]["logprob"], -0.5);
  EXPECT_EQ(tokens[1]["bytes"], json({0xA9, 0x21}));
  EXPECT_EQ(tokens[1]["top_logprobs"], json::array());
}

TEST(ChatAnswer, SaysInAStreamWhatWillTakeLong) {
  const json price = json::parse(chat_price_chunk(head, 1, {.views = 33, .seconds = 41}, true));
  EXPECT_EQ(price["choices"][0]["delta"], json::object());
  EXPECT_EQ(price["lectern"]["expected"], json({{"picture", 1}, {"views", 33}, {"encode_seconds", 41.0}}));
}

TEST(ChatAnswer, StreamsRoleTextEndAndUsage) {
  const json role = json::parse(chat_role_chunk(head, false));
  EXPECT_EQ(role["object"], "chat.completion.chunk");
  EXPECT_EQ(role["choices"][0]["delta"]["role"], "assistant");
  EXPECT_FALSE(role.contains("usage"));
  const json text = json::parse(chat_text_chunk(head, "a\nb", true));
  EXPECT_EQ(text["choices"][0]["delta"], json({{"content", "a\nb"}}));
  EXPECT_TRUE(text["choices"][0]["finish_reason"].is_null());
  EXPECT_TRUE(text.contains("usage") && text["usage"].is_null());
  const json end = json::parse(chat_end_chunk(head, {page_of("a", "context")}, false, false));
  EXPECT_EQ(end["choices"][0]["delta"], json::object());
  EXPECT_EQ(end["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(end["lectern"]["finish"], "context");
  const json usage = json::parse(chat_usage_chunk(head, {page_of("a"), page_of("b")}));
  EXPECT_EQ(usage["choices"], json::array());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 14);
}

}  // namespace
}  // namespace lectern::server
