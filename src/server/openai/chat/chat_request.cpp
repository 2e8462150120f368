#include "server/openai/chat/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "server/openai/api_error.h"
#include "server/openai/json_fields.h"

namespace lectern::server {
namespace {

using nlohmann::json;

constexpr size_t max_stops = 4, max_stop_bytes = 256;

void read_part(const json& part, const std::string& param, Conversation& conversation) {
  JsonFields fields(part, param);
  const std::string type = fields.text("type").value_or("");
  if (type == "text") {
    conversation.add_text(fields.text("text").value_or(""), fields.path_of("text"));
  } else if (type == "image_url") {
    const std::string at = fields.path_of("image_url");
    const json* const given = fields.take("image_url");
    if (given == nullptr)
      refuse_field(at, "missing; expected {\"url\": \"data:image/png;base64,...\"}", "missing_value");
    std::string url;
    if (given->is_string()) {
      url = given->get<std::string>();
    } else {
      JsonFields picture(*given, at);
      url = picture.text("url").value_or("");
      read_detail(picture);
      picture.refuse_others();
    }
    conversation.add_picture(url, at);
  } else {
    refuse_field(fields.path_of("type"), "expected text or image_url", "unsupported_content");
  }
  fields.refuse_others();
}

void read_message(JsonFields& message, Conversation& conversation) {
  read_role(message);
  message.text("name");
  read_content(message, conversation, read_part);
}

std::vector<std::string> read_stops(JsonFields& fields) {
  const json* const given = fields.take("stop");
  if (given == nullptr) return {};
  const json list = given->is_array() ? *given : json::array({*given});
  std::vector<std::string> stops;
  for (const json& stop : list) {
    const bool text = stop.is_string() && !stop.get_ref<const std::string&>().empty();
    if (!text || stop.get_ref<const std::string&>().size() > max_stop_bytes || stops.size() == max_stops) {
      refuse_field("stop", fmt::format("expected a string, or up to {}, of 1 to {} bytes", max_stops, max_stop_bytes),
                   "invalid_value");
    }
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

int64_t read_max_tokens(JsonFields& fields) {
  const int64_t now = read_token_limit(fields, "max_completion_tokens");
  const int64_t before = read_token_limit(fields, "max_tokens");
  if (now != 0 && before != 0 && now != before) {
    refuse_field("max_tokens", "differs from max_completion_tokens, which is its newer name; send one",
                 "invalid_value");
  }
  return now != 0 ? now : before;
}

// Fields of OpenAI's, vLLM's and llama.cpp's servers that clients send with what changes nothing.
const json& harmless_values() {
  static const json values = {
      {"tools", {json::array()}},
      {"functions", {json::array()}},
      {"tool_choice", {"none", "auto"}},
      {"function_call", {"none", "auto"}},
      {"parallel_tool_calls", {true, false}},
      {"modalities", {json::array({"text"})}},
      {"logit_bias", {json::object()}},
      {"best_of", {1}},
      {"top_k", {0, -1}},
      {"min_p", {0}},
      {"min_tokens", {0}},
      {"repetition_penalty", {1}},
      {"length_penalty", {1}},
      {"ignore_eos", {false}},
      {"use_beam_search", {false}},
  };
  return values;
}

// Fields that change nothing at the value given, and nothing else is served.
void read_fixed(JsonFields& fields) {
  for (const auto& [name, values] : harmless_values().items()) {
    const json* const given = fields.take(name);
    if (given == nullptr || std::ranges::find(values, *given) != values.end()) continue;
    std::string expected;
    for (const json& value : values) expected += (expected.empty() ? "" : " or ") + value.dump();
    refuse_field(name, fmt::format("expected {} or nothing; it changes nothing here", expected),
                 "unsupported_parameter");
  }
  if (fields.take("vllm_xargs") != nullptr) {
    refuse_field("vllm_xargs", "the ban on repetitions that the model was published with is always on; leave it out",
                 "unsupported_parameter");
  }
  fields.integer("n", 1, 1);
  fields.number("frequency_penalty", 0, 0);
  fields.number("presence_penalty", 0, 0);
  if (fields.take("top_logprobs") != nullptr) {
    refuse_field("top_logprobs", "only the tokens that were chosen have log-probabilities; leave it out",
                 "unsupported_parameter");
  }
  read_text_format(fields.take("response_format"), "response_format");
  read_labels(fields);
}

}  // namespace

ChatRequest parse_chat_request(std::string_view body, const RequestRules& rules) {
  const json parsed = parse_json(body);
  JsonFields fields(parsed, "");
  ChatRequest request;
  request.model = read_model(fields, rules);
  read_sampling(fields, fields.integer("seed", INT64_MIN, INT64_MAX), request.options);
  request.options.max_tokens = read_max_tokens(fields);
  request.options.stop = read_stops(fields);
  read_fixed(fields);
  read_own(fields, request.options);
  request.options.logprobs = fields.boolean("logprobs").value_or(false);
  request.skip_special_tokens = fields.boolean("skip_special_tokens").value_or(false);
  request.stream = fields.boolean("stream").value_or(false);
  // Text that was sent cannot be taken back, as it would be when a page is read once more.
  request.options.retry = !request.stream;
  if (const json* const given = fields.take("stream_options")) {
    JsonFields options(*given, "stream_options");
    request.include_usage = options.boolean("include_usage").value_or(false);
    options.boolean("include_obfuscation");
    options.refuse_others();
    if (!request.stream) refuse_field("stream_options", "only for streams; set stream to true", "invalid_value");
  }
  const json* const messages = fields.take("messages");
  fields.refuse_others();
  read_messages(messages, "messages", rules, read_message, request);
  return request;
}

}  // namespace lectern::server
