#include "server/openai/responses/responses_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const json picture = {{"type", "input_image"}, {"image_url", "data:image/png;base64,cGFnZQ=="}};

json request_of(const json& content, const json& more = json::object()) {
  json request = {{"model", "ocr"}, {"input", {{{"role", "user"}, {"content", content}}}}};
  request.update(more);
  return request;
}

ResponsesRequest parse(const json& request) {
  const RequestRules rules = {.has_model = [](const std::string& name) { return name == "ocr"; }, .check_url = {}};
  return parse_responses_request(request.dump(), rules);
}

ApiError refusal(const json& request) {
  try {
    parse(request);
  } catch (const ApiError& error) {
    return error;
  }
  return {0, "it was taken"};
}

TEST(ResponsesRequest, TakesAllFieldsThatAreServed) {
  const ResponsesRequest request = parse(request_of({{{"type", "input_text"}, {"text", "markdown"}}, picture},
                                                    {{"stream", true},
                                                     {"stream_options", {{"include_obfuscation", false}}},
                                                     {"max_output_tokens", 100},
                                                     {"temperature", 0.5},
                                                     {"top_p", 0.9},
                                                     {"include", {"message.output_text.logprobs"}},
                                                     {"metadata", {{"a", "b"}}},
                                                     {"store", false},
                                                     {"tools", json::array()},
                                                     {"tool_choice", "auto"},
                                                     {"truncation", "disabled"},
                                                     {"text", {{"format", {{"type", "text"}}}}},
                                                     {"lectern", {{"text", "plain"}, {"mode", "native"}}}}));
  ASSERT_EQ(request.pictures.size(), 1u);
  EXPECT_EQ(request.pictures[0].bytes, "page");
  EXPECT_EQ(request.pictures[0].param, "input[0].content[1].image_url");
  EXPECT_EQ(request.options.prompt, "markdown");
  EXPECT_EQ(request.options.max_tokens, 100);
  EXPECT_EQ(request.options.mode, "native");
  EXPECT_TRUE(request.stream && request.options.logprobs && request.options.plain);
  EXPECT_FALSE(request.options.retry);
  EXPECT_EQ(request.metadata["a"], "b");
}

TEST(ResponsesRequest, RefusesByName) {
  const json page = json::array({picture});
  const std::vector<std::pair<json, std::string>> refusals = {
      {request_of("text alone"), "input"},
      {{{"input", "text alone"}}, "input"},
      {request_of(page, {{"instructions", "You are"}}), "instructions"},
      {request_of(page, {{"previous_response_id", "resp_1"}}), "previous_response_id"},
      {request_of(page, {{"top_logprobs", 2}}), "top_logprobs"},
      {request_of(page, {{"tools", {{{"type", "web_search"}}}}}), "tools"},
      {request_of(page, {{"tool_choice", "required"}}), "tool_choice"},
      {request_of(page, {{"truncation", "auto"}}), "truncation"},
      {request_of(page, {{"background", true}}), "background"},
      {request_of(page, {{"store", true}}), "store"},
      {request_of(page, {{"include", {"file_search_call.results"}}}), "include"},
      {request_of(page, {{"text", {{"format", {{"type", "json_schema"}}}}}}), "text.format.type"},
      {request_of(page, {{"text", {{"verbosity", "low"}}}}), "text.verbosity"},
      {request_of(page, {{"max_output_tokens", 0}}), "max_output_tokens"},
      {request_of(page, {{"reasoning", {{"effort", "low"}}}}), "reasoning"},
      {request_of(json::array({{{"type", "input_file"}}})), "input[0].content[0].type"},
      {request_of(json::array({{{"type", "input_image"}, {"file_id", "file-1"}}})), "input[0].content[0].file_id"},
      {request_of(json::array({{{"type", "input_image"}}})), "input[0].content[0].image_url"},
      {{{"input", {{{"role", "developer"}, {"content", "x"}}}}}, "input[0].role"},
      {{{"input", {{{"type", "function_call"}, {"role", "user"}, {"content", "x"}}}}}, "input[0].type"},
  };
  for (const auto& [request, param] : refusals) {
    const ApiError error = refusal(request);
    EXPECT_EQ(error.status, 400) << request.dump();
    EXPECT_EQ(error.param, param) << request.dump();
    EXPECT_THAT(error.what(), HasSubstr(param)) << request.dump();
  }
  EXPECT_EQ(refusal({{"model", "gpt"}, {"input", 7}}).status, 404);
}

}  // namespace
}  // namespace lectern::server
