#include "server/openai/openai_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/running_server.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using testing::ask;
using testing::chat_body;
using testing::chat_path;
using testing::error_of;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;
using testing::one_page;
using testing::page_part;
using testing::picture_part;
using testing::quiet_options;
using testing::RunningServer;

TEST(OpenAiApi, AnswersWhole) {
  const RunningServer run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"model", "ocr"}, {"max_tokens", 9}}));
  run.model->wait_for(1);
  EXPECT_EQ(run.model->options_of(0).max_tokens, 9);
  run.model->finish(0, "a page\n");
  const HttpReply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(reply.headers.at("x-request-id").size(), 32u);
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "a page\n");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["model"], "ocr");
  EXPECT_EQ(answer["usage"]["total_tokens"], 17);
  // The connection goes on.
  client.request("GET", "/v1/models");
  EXPECT_EQ(json::parse(client.reply().body)["data"][0]["id"], "ocr");
}

TEST(OpenAiApi, StreamsTextWhileItIsRead) {
  const RunningServer run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  const HttpReply head = client.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"role\":\"assistant\""));
  run.model->wait_for(1);
  EXPECT_FALSE(run.model->options_of(0).retry);
  for (const char* text : {"first ", "second"}) {
    run.model->write(0, text);
    EXPECT_THAT(client.until("\n\n"), HasSubstr("\"content\":\"" + std::string(text) + "\"")) << "before the page ends";
  }
  run.model->finish(0, "first second, the rest");
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"content\":\", the rest\""));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"finish_reason\":\"stop\""));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"total_tokens\":32"));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("data: [DONE]"));
  EXPECT_EQ(client.until("0\r\n\r\n"), "\r\n0\r\n\r\n");
}

TEST(OpenAiApi, PartsThePagesOfOneRequestInTheirOrder) {
  const RunningServer run;
  for (const bool stream : {false, true}) {
    HttpClient client(run.port);
    client.request("POST", chat_path, chat_body({page_part(), page_part()}, {{"stream", stream}}));
    const size_t first = stream ? 2 : 0;
    run.model->wait_for(first + 2);
    // Which of them was decoded first does not matter.
    for (size_t i = 2; i-- > 0;) {
      const bool is_first = run.model->name_of(first + i) == "messages[0].content[0].image_url";
      run.model->finish(first + i, is_first ? "one" : "two");
    }
    if (!stream) {
      EXPECT_EQ(json::parse(client.reply().body)["choices"][0]["message"]["content"],
                "one\n\n<--- Page Split --->\ntwo");
      continue;
    }
    std::string text;
    for (;;) {
      const std::string event = client.until("\n\n");
      const size_t data = event.find("data: ") + 6;
      if (event.compare(data, 6, "[DONE]") == 0) break;
      const json delta = json::parse(event.substr(data))["choices"][0]["delta"];
      text += delta.value("content", "");
    }
    EXPECT_EQ(text, "one\n\n<--- Page Split --->\ntwo");
  }
}

TEST(OpenAiApi, ReadsPagesOfOneSequenceWhereThatIsAskedFor) {
  const RunningServer run;
  HttpClient client(run.port);
  client.request("POST", chat_path,
                 chat_body({page_part(), page_part(), page_part()}, {{"lectern", {{"pages_together", 2}}}}));
  run.model->wait_for(2);
  for (const size_t i : {0, 1}) {
    const bool both = run.model->pages_of(i) == 2;
    EXPECT_EQ(run.model->name_of(i), both ? "messages[0].content[0].image_url" : "messages[0].content[2].image_url");
    run.model->finish(i, both ? "<PAGE>\none\n<PAGE>\ntwo" : "three");
  }
  const json answer = json::parse(client.reply().body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "<PAGE>\none\n<PAGE>\ntwo\n\n<--- Page Split --->\nthree");
  EXPECT_EQ(answer["lectern"]["pages"].size(), 3U);
}

TEST(OpenAiApi, SaysInAStreamWhatWillTakeLong) {
  const RunningServer run;
  run.model->views = 33;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"stream", true}}));
  client.until("\"expected\":{\"picture\":0,\"views\":33,");
  run.model->wait_for(1);
  run.model->finish(0, "text");
  client.until("[DONE]");
}

TEST(OpenAiApi, TurnsRequestsAwayWhenTheQueueIsFull) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1;
  options.feed.max_waiting = 1;
  const RunningServer run(options);
  HttpClient reading(run.port), waiting(run.port);
  reading.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  waiting.request("POST", chat_path, one_page());
  run.wait_for_metric("lectern_pages_waiting", "1");
  const HttpReply reply = ask(run.port, "POST", chat_path, one_page());
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("retry-after"), "5");
  EXPECT_EQ(error_of(reply)["type"], "rate_limit_error");
  run.model->finish(0, "text");
  EXPECT_EQ(reading.reply().status, 200);
  run.model->wait_for(2);
  run.model->finish(1, "text");
  EXPECT_EQ(waiting.reply().status, 200);
}

TEST(OpenAiApi, SaysWhatIsWrongWithAPicture) {
  const RunningServer run;
  for (const bool stream : {false, true}) {
    const HttpReply reply =
        ask(run.port, "POST", chat_path, chat_body(json::array({picture_part("no picture")}), {{"stream", stream}}));
    EXPECT_EQ(reply.status, 415);
    EXPECT_THAT(error_of(reply)["message"], HasSubstr("messages[0].content[0].image_url: not a picture"));
  }
  // One of two pages: the other is ended.
  HttpClient client(run.port);
  client.request("POST", chat_path, chat_body({page_part(), picture_part("\x89PNG\r\n\x1A\n broken")}));
  EXPECT_EQ(client.reply().status, 422);
  run.wait_for_metric("lectern_pages_reading", "0");
}

TEST(OpenAiApi, TellsOfAPageThatFails) {
  const RunningServer run;
  HttpClient whole(run.port);
  whole.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  run.model->fail(0, "the page failed");
  const HttpReply reply = whole.reply();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(error_of(reply)["message"], "the page failed");
  HttpClient stream(run.port);
  stream.request("POST", chat_path, one_page({{"stream", true}}));
  run.model->wait_for(2);
  run.model->write(1, "some");
  EXPECT_NE(stream.until("some"), "");
  run.model->fail(1, "it failed later");
  EXPECT_THAT(stream.until("0\r\n\r\n"), HasSubstr("\"message\":\"it failed later\""));
}

TEST(OpenAiApi, RefusesWhatTheModelCannotServe) {
  const RunningServer run;
  const HttpReply mode = ask(run.port, "POST", chat_path, one_page({{"lectern", {{"mode", "gundam"}}}}));
  EXPECT_EQ(mode.status, 400);
  EXPECT_EQ(error_of(mode)["message"], "ocr: does not know mode gundam");
  const HttpReply model = ask(run.port, "POST", chat_path, R"({"model": "gpt"})");
  EXPECT_EQ(model.status, 404);
  EXPECT_EQ(error_of(model)["code"], "model_not_found");
  EXPECT_EQ(ask(run.port, "POST", chat_path, "{").status, 400);
  EXPECT_EQ(ask(run.port, "POST", chat_path, "").status, 400);
}

TEST(OpenAiApi, AnswersResponses) {
  const RunningServer run;
  const json input = {
      {{"role", "user"},
       {"content", json::array({{{"type", "input_image"}, {"image_url", page_part()["image_url"]["url"]}}})}}};
  HttpClient whole(run.port);
  whole.request("POST", "/v1/responses", json({{"input", input}, {"max_output_tokens", 9}}).dump());
  run.model->wait_for(1);
  EXPECT_EQ(run.model->options_of(0).max_tokens, 9);
  run.model->finish(0, "a page");
  const json answer = json::parse(whole.reply().body);
  EXPECT_EQ(answer["object"], "response");
  EXPECT_EQ(answer["model"], "ocr");
  EXPECT_EQ(answer["output"][0]["content"][0]["text"], "a page");
  HttpClient stream(run.port);
  stream.request("POST", "/v1/responses", json({{"input", input}, {"stream", true}}).dump());
  EXPECT_THAT(stream.until("content_part.added"), HasSubstr("event: response.created\ndata: {"));
  run.model->wait_for(2);
  run.model->write(1, "some");
  EXPECT_THAT(stream.until("\"some\""), HasSubstr("response.output_text.delta"));
  run.model->finish(1, "some");
  EXPECT_NE(stream.until("event: response.completed"), "");
}

TEST(OpenAiApi, LeavesSpecialTokensOutWhereThatIsAsked) {
  const RunningServer run;
  HttpClient whole(run.port), stream(run.port);
  whole.request("POST", chat_path, one_page({{"skip_special_tokens", true}}));
  run.model->wait_for(1);
  run.model->finish(0, "<|ref|>title<|/ref|><|det|>[[1]]<|/det|>");
  EXPECT_EQ(json::parse(whole.reply().body)["choices"][0]["message"]["content"], "title[[1]]");
  stream.request("POST", chat_path, one_page({{"skip_special_tokens", true}, {"stream", true}}));
  run.model->wait_for(2);
  run.model->write(1, "<|re");
  run.model->write(1, "f|>title");
  EXPECT_THAT(stream.until("\"title\""), Not(HasSubstr("<|")));
  run.model->finish(1, "<|ref|>title");
  EXPECT_NE(stream.until("[DONE]"), "");
}

TEST(OpenAiApi, SaysThatAModelCannotBeLoaded) {
  const RunningServer run;
  const HttpReply reply = ask(run.port, "POST", chat_path, one_page({{"model", "lost"}}));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(error_of(reply)["code"], "model_not_loaded");
  EXPECT_TRUE(reply.headers.contains("retry-after"));
  EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
}

TEST(OpenAiApi, FetchesPicturesOnlyWhereThatIsAllowed) {
  ServerOptions options = quiet_options();
  options.fetch.hosts = {"pictures.example"};
  options.fetch.resolve = {"pictures.example:80:127.0.0.1"};
  const RunningServer run(options);
  const auto page_at = [](const std::string& url) {
    return chat_body(json::array({{{"type", "image_url"}, {"image_url", {{"url", url}}}}}));
  };
  const HttpReply other = ask(run.port, "POST", chat_path, page_at("http://other.example/page.png"));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(error_of(other)["code"], "forbidden_url");
  const HttpReply inside = ask(run.port, "POST", chat_path, page_at("http://pictures.example/page.png"));
  EXPECT_EQ(inside.status, 400);
  EXPECT_EQ(error_of(inside)["param"], "messages[0].content[0].image_url");
  EXPECT_THAT(error_of(inside)["message"], HasSubstr("not public"));
}

}  // namespace
}  // namespace lectern::server
