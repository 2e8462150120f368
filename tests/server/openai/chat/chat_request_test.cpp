#include "server/openai/chat/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json picture(const std::string& url = "data:image/png;base64,cGFnZQ==") {
  return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
}

json request_of(const json& content, const json& more = json::object()) {
  json request = {{"model", "ocr"}, {"messages", {{{"role", "user"}, {"content", content}}}}};
  request.update(more);
  return request;
}

ChatRequest parse(const json& request) {
  return parse_chat_request(request.dump(),
                            {.has_model = [](const std::string& name) { return name == "ocr"; }, .check_url = {}});
}

ApiError refusal(const json& request) {
  try {
    parse(request);
  } catch (const ApiError& error) {
    return error;
  }
  return {0, "it was taken"};
}

TEST(ChatRequest, HasDefaultsThatChangeNothing) {
  const ChatRequest request = parse(request_of(json::array({picture()})));
  EXPECT_EQ(request.model, "ocr");
  ASSERT_EQ(request.pictures.size(), 1u);
  EXPECT_EQ(request.pictures[0].bytes, "page");
  EXPECT_EQ(request.pictures[0].param, "messages[0].content[0].image_url");
  EXPECT_EQ(request.options.prompt, "");
  EXPECT_EQ(request.options.mode, "auto");
  EXPECT_EQ(request.options.temperature, 0);
  EXPECT_EQ(request.options.max_tokens, 0);
  EXPECT_FALSE(request.options.plain);
  EXPECT_TRUE(request.options.retry);
  EXPECT_FALSE(request.stream);
}

TEST(ChatRequest, TakesAllFieldsThatAreServed) {
  const ChatRequest request =
      parse(request_of({{{"type", "text"}, {"text", "markdown"}}, picture(), picture("data:;base64,Mg==")},
                       {{"stream", true},
                        {"stream_options", {{"include_usage", true}}},
                        {"max_completion_tokens", 100},
                        {"temperature", 0.5},
                        {"top_p", 0.9},
                        {"seed", -1},
                        {"stop", {"END", "\n\n"}},
                        {"n", 1},
                        {"logprobs", true},
                        {"frequency_penalty", 0},
                        {"presence_penalty", 0.0},
                        {"response_format", {{"type", "text"}}},
                        {"user", "somebody"},
                        {"metadata", {{"a", "b"}}},
                        {"store", false},
                        {"tools", nullptr},
                        {"lectern", {{"text", "plain"}, {"mode", "native"}, {"max_tiles", 4}}}}));
  ASSERT_EQ(request.pictures.size(), 2u);
  EXPECT_EQ(request.pictures[1].bytes, "2");
  EXPECT_EQ(request.options.prompt, "markdown");
  EXPECT_TRUE(request.stream && request.include_usage && request.options.logprobs && request.options.plain);
  EXPECT_FALSE(request.options.retry) << "a stream cannot take text back";
  EXPECT_EQ(request.options.max_tokens, 100);
  EXPECT_FLOAT_EQ(request.options.temperature, 0.5F);
  EXPECT_FLOAT_EQ(request.options.top_p, 0.9F);
  EXPECT_EQ(request.options.seed, UINT64_MAX);
  EXPECT_THAT(request.options.stop, ElementsAre("END", "\n\n"));
  EXPECT_EQ(request.options.mode, "native");
  EXPECT_EQ(request.options.max_tiles, 4);
  EXPECT_THAT(parse(request_of(json::array({picture()}), {{"stop", "x"}})).options.stop, ElementsAre("x"));
  EXPECT_EQ(
      parse(request_of(json::array({picture()}), {{"max_tokens", 5}, {"max_completion_tokens", 5}})).options.max_tokens,
      5);
}

TEST(ChatRequest, DrawsASeedWhereOneMatters) {
  const json sampled = request_of(json::array({picture()}), {{"temperature", 1}});
  EXPECT_NE(parse(sampled).options.seed, parse(sampled).options.seed);
}

TEST(ChatRequest, PutsThePromptTogetherWhateverTheOrder) {
  const json text = {{"type", "text"}, {"text", "Free OCR."}};
  EXPECT_EQ(parse(request_of({picture(), text})).options.prompt, "Free OCR.");
  EXPECT_EQ(parse(request_of({text, picture(), text})).options.prompt, "Free OCR.\nFree OCR.");
  const json in_two = {
      {"messages",
       {{{"role", "user"}, {"content", json::array({picture()})}}, {{"role", "user"}, {"content", "Free OCR."}}}}};
  EXPECT_EQ(parse(in_two).pictures.size(), 1u);
  EXPECT_EQ(parse(in_two).options.prompt, "Free OCR.");
  EXPECT_EQ(parse(in_two).model, "");
}

TEST(ChatRequest, AsksForTheModelBeforeAnythingElse) {
  const ApiError error = refusal({{"model", "gpt"}, {"messages", 7}, {"n", 9}});
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.name, "model_not_found");
  EXPECT_EQ(error.param, "model");
}

TEST(ChatRequest, TakesWhatOtherServersClientsSendWhereItChangesNothing) {
  const json harmless = {{"tools", json::array()},
                         {"tool_choice", "none"},
                         {"parallel_tool_calls", false},
                         {"top_k", -1},
                         {"repetition_penalty", 1.0},
                         {"logit_bias", json::object()},
                         {"modalities", {"text"}},
                         {"min_p", 0.0},
                         {"ignore_eos", false},
                         {"frequency_penalty", 0.0},
                         {"n", 1},
                         {"functions", nullptr}};
  EXPECT_EQ(parse(request_of(json::array({picture()}), harmless)).pictures.size(), 1U);
}

TEST(ChatRequest, RefusesByName) {
  const json page = json::array({picture()});
  const json assistant = {{{"role", "user"}, {"content", page}}, {{"role", "assistant"}, {"content", "text"}}};
  const json two_prompts = {{{"role", "user"}, {"content", "first"}}, {{"role", "user"}, {"content", page}}};
  const std::vector<std::pair<json, std::string>> refusals = {
      {request_of(page, {{"n", 2}}), "n"},
      {request_of(page, {{"top_logprobs", 3}}), "top_logprobs"},
      {request_of(page, {{"top_k", 5}}), "top_k"},
      {request_of(page, {{"tools", json::array({{{"type", "function"}}})}}), "tools"},
      {request_of(page, {{"logit_bias", {{"50256", -100}}}}), "logit_bias"},
      {request_of(page, {{"min_p", 0.1}}), "min_p"},
      {request_of(page, {{"ignore_eos", true}}), "ignore_eos"},
      {request_of(page, {{"vllm_xargs", {{"ngram_size", 30}}}}), "vllm_xargs"},
      {request_of(page, {{"an unknown one", json::array()}}), "an unknown one"},
      {request_of(page, {{"repetition_penalty", 1.1}}), "repetition_penalty"},
      {request_of(page, {{"frequency_penalty", 0.5}}), "frequency_penalty"},
      {request_of(page, {{"response_format", {{"type", "json_object"}}}}), "response_format.type"},
      {request_of(page, {{"store", true}}), "store"},
      {request_of(page, {{"temperature", 2.5}}), "temperature"},
      {request_of(page, {{"temperature", "hot"}}), "temperature"},
      {request_of(page, {{"top_p", 0}}), "top_p"},
      {request_of(page, {{"max_tokens", 0}}), "max_tokens"},
      {request_of(page, {{"max_tokens", 1}, {"max_completion_tokens", 2}}), "max_tokens"},
      {request_of(page, {{"stop", ""}}), "stop"},
      {request_of(page, {{"stop", {"a", "b", "c", "d", "e"}}}), "stop"},
      {request_of(page, {{"stop", {1}}}), "stop"},
      {request_of(page, {{"stream_options", {{"include_usage", true}}}}), "stream_options"},
      {request_of(page, {{"lectern", {{"text", "html"}}}}), "lectern.text"},
      {request_of(page, {{"lectern", {{"path", "/etc"}}}}), "lectern.path"},
      {request_of(page, {{"lectern", {{"max_tiles", 0}}}}), "lectern.max_tiles"},
      {request_of(page, {{"lectern", {{"max_tiles", 101}}}}), "lectern.max_tiles"},
      {request_of(json::array()), "messages"},
      {request_of("text alone"), "messages"},
      {request_of(7), "messages[0].content"},
      {request_of(json::array({{{"type", "input_audio"}}})), "messages[0].content[0].type"},
      {request_of(json::array({{{"type", "image_url"}}})), "messages[0].content[0].image_url"},
      {request_of(json::array({picture("https://example.org/a.png")})), "messages[0].content[0].image_url"},
      {{{"messages", json::array()}}, "messages"},
      {{{"messages", {{{"role", "system"}, {"content", "You are"}}}}}, "messages[0].role"},
      {{{"messages", assistant}}, "messages[1].role"},
      {{{"messages", two_prompts}}, "messages[0].content"},
  };
  for (const auto& [request, param] : refusals) {
    const ApiError error = refusal(request);
    EXPECT_EQ(error.status, 400) << request.dump();
    EXPECT_EQ(error.param, param) << request.dump();
    EXPECT_THAT(error.what(), HasSubstr(param)) << request.dump();
  }
}

TEST(ChatRequest, LeavesAddressesToBeFetchedWhereThatIsAllowed) {
  const RequestRules rules = {.has_model = [](const std::string&) { return true; },
                              .check_url =
                                  [](const std::string& url, const std::string& param) {
                                    if (!url.starts_with("https://good/")) throw ApiError(400, param, param);
                                  }};
  const json page = request_of({picture("https://good/a.png"), picture()});
  const ChatRequest request = parse_chat_request(page.dump(), rules);
  EXPECT_EQ(request.pictures[0].url, "https://good/a.png");
  EXPECT_EQ(request.pictures[1].bytes, "page");
  EXPECT_THROW(parse_chat_request(request_of(json::array({picture("https://bad/a.png")})).dump(), rules), ApiError);
}

TEST(ChatRequest, BoundsPicturesAndPrompts) {
  EXPECT_EQ(refusal(request_of(json(257, picture()))).name, "too_many_pictures");
  EXPECT_EQ(refusal(request_of({picture(), {{"type", "text"}, {"text", std::string(20'000, 'x')}}})).name,
            "string_too_long");
}

}  // namespace
}  // namespace lectern::server
