#include "server/openai/responses/responses_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/openai/whole_answer.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::whole_of;

std::unique_ptr<AnswerForm> form() {
  return responses_form({.id = "1", .created = 1700000000, .model = "ocr", .options = {}, .metadata = {{"a", "b"}}});
}

PageAnswer page_of(const std::string& text, const std::string& finish = "end") {
  PageAnswer page;
  page.text = text;
  page.finish = finish;
  page.mode = "native";
  page.prompt_tokens = 100;
  page.tokens = 7;
  page.written = {{"\xC3\xA9", -0.5F}};
  return page;
}

// Names and data of events.
std::vector<std::pair<std::string, json>> events_of(std::string text) {
  std::vector<std::pair<std::string, json>> events;
  for (size_t end = 0; (end = text.find("\n\n")) != std::string::npos; text.erase(0, end + 2)) {
    const size_t data = text.find("\ndata: ");
    events.emplace_back(text.substr(7, data - 7), json::parse(text.substr(data + 7, end - data - 7)));
  }
  return events;
}

TEST(ResponsesAnswer, IsAResponseWithOneMessage) {
  const json answer = json::parse(form()->whole(whole_of({page_of("one"), page_of("two")})));
  EXPECT_EQ(answer["id"], "resp_1");
  EXPECT_EQ(answer["object"], "response");
  EXPECT_EQ(answer["status"], "completed");
  EXPECT_EQ(answer["incomplete_details"], nullptr);
  EXPECT_EQ(answer["metadata"]["a"], "b");
  ASSERT_EQ(answer["output"].size(), 1u);
  const json& message = answer["output"][0];
  EXPECT_EQ(message["role"], "assistant");
  EXPECT_EQ(message["content"][0]["text"], "one\n\n<--- Page Split --->\ntwo");
  EXPECT_EQ(message["content"][0]["logprobs"][0]["token"], "\xC3\xA9");
  EXPECT_EQ(answer["usage"]["input_tokens"], 200);
  EXPECT_EQ(answer["usage"]["output_tokens"], 14);
  EXPECT_EQ(answer["usage"]["total_tokens"], 214);
  EXPECT_EQ(answer["lectern"]["pages"].size(), 2u);
}

TEST(ResponsesAnswer, TellsTheTruthOfTheEnd) {
  const json answer = json::parse(form()->whole(whole_of({page_of("one", "loop")})));
  EXPECT_EQ(answer["status"], "incomplete");
  EXPECT_EQ(answer["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(answer["output"][0]["status"], "incomplete");
  EXPECT_EQ(answer["lectern"]["finish"], "loop");
}

TEST(ResponsesAnswer, StreamsTheEventsThatMakeIt) {
  const auto made = form();
  std::string sent = made->begin();
  sent += made->text("o");
  sent += made->text("ne");
  sent += made->end(whole_of({page_of("one")}));
  const auto events = events_of(sent);
  std::vector<std::string> names;
  std::string text;
  for (size_t i = 0; i < events.size(); ++i) {
    const auto& [name, data] = events[i];
    names.push_back(name);
    EXPECT_EQ(data["type"], name);
    EXPECT_EQ(data["sequence_number"], i);
    text += data.value("delta", "");
  }
  EXPECT_THAT(names, ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                                 "response.content_part.added", "response.output_text.delta",
                                 "response.output_text.delta", "response.output_text.done",
                                 "response.content_part.done", "response.output_item.done", "response.completed"));
  EXPECT_EQ(text, "one");
  EXPECT_EQ(events.front().second["response"]["status"], "in_progress");
  EXPECT_EQ(events.back().second["response"]["output"][0]["content"][0]["text"], "one");
  EXPECT_EQ(events[4].second["item_id"], events[2].second["item"]["id"]);
}

TEST(ResponsesAnswer, SaysInAStreamWhatWillTakeLong) {
  const auto made = form();
  made->begin();
  std::string sent = made->price(1, {.views = 33, .seconds = 41});
  sent += made->text("one");
  const auto events = events_of(sent);
  ASSERT_EQ(events.size(), 2u);
  const auto& [name, price] = events[0];
  EXPECT_EQ(name, "response.output_text.delta");
  EXPECT_EQ(price["delta"], "");
  EXPECT_EQ(price["lectern"]["expected"], json({{"picture", 1}, {"views", 33}, {"encode_seconds", 41.0}}));
  EXPECT_EQ(events[1].second["sequence_number"], price["sequence_number"].get<int>() + 1);
  EXPECT_FALSE(events[1].second.contains("lectern"));
}

TEST(ResponsesAnswer, EndsAStreamThatFails) {
  const auto made = form();
  made->begin();
  const auto events = events_of(made->failure(ApiError(500, "the page failed")));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].first, "response.failed");
  EXPECT_EQ(events[0].second["response"]["error"]["message"], "the page failed");
}

}  // namespace
}  // namespace lectern::server
