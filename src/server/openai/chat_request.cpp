#include "server/openai/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

#include "server/openai/api_error.h"
#include "server/openai/data_url.h"
#include "server/openai/json_fields.h"

namespace lectern::server {
namespace {

using nlohmann::json;

constexpr int64_t max_token_limit = 1'000'000;
constexpr size_t max_pictures = 256;
constexpr size_t max_stops = 4, max_stop_bytes = 256;
constexpr size_t max_prompt_bytes = 16 << 10;

[[noreturn]] void refuse(const std::string& param, const std::string& problem, const std::string& code) {
  throw ApiError(400, fmt::format("{}: {}", param, problem), param, code);
}

// What the messages hold.
struct Conversation {
  std::vector<ChatPicture> pictures;
  std::string text;        // of the last message
  std::string text_param;  // where text stood; empty: nowhere
};

void add_text(const std::string& text, const std::string& param, Conversation& conversation) {
  if (text.empty()) return;
  if (!conversation.text.empty()) conversation.text += '\n';
  conversation.text += text;
  conversation.text_param = param;
}

void read_part(const json& part, const std::string& param, Conversation& conversation) {
  JsonFields fields(part, param);
  const std::string type = fields.text("type").value_or("");
  if (type == "text") {
    add_text(fields.text("text").value_or(""), fields.path_of("text"), conversation);
  } else if (type == "image_url") {
    const std::string at = fields.path_of("image_url");
    const json* const given = fields.take("image_url");
    if (given == nullptr) refuse(at, "missing; expected {\"url\": \"data:image/png;base64,...\"}", "missing_value");
    std::string url;
    if (given->is_string()) {
      url = given->get<std::string>();
    } else {
      JsonFields picture(*given, at);
      url = picture.text("url").value_or("");
      // How finely a page is shown is the mode's affair.
      const std::string detail = picture.text("detail").value_or("auto");
      constexpr std::array<std::string_view, 3> known = {"auto", "low", "high"};
      if (std::ranges::find(known, detail) == known.end()) {
        refuse(picture.path_of("detail"), "expected auto, low or high", "invalid_value");
      }
      picture.refuse_others();
    }
    if (conversation.pictures.size() == max_pictures) {
      refuse(at, fmt::format("the picture after the {} that one request may hold", max_pictures), "too_many_pictures");
    }
    conversation.pictures.push_back({at, parse_data_url(url, at).bytes});
  } else {
    refuse(fields.path_of("type"), "expected text or image_url", "unsupported_content");
  }
  fields.refuse_others();
}

void read_message(const json& message, const std::string& param, Conversation& conversation) {
  JsonFields fields(message, param);
  const std::string role = fields.text("role").value_or("");
  if (role != "user") {
    refuse(fields.path_of("role"), "the model knows no roles; send one message of the role user with the pictures",
           "unsupported_role");
  }
  fields.text("name");
  // What was asked before is no part of what the model is asked now.
  if (!conversation.text.empty()) {
    refuse(conversation.text_param, "only the last message may hold text, which is the prompt", "unsupported_history");
  }
  const std::string at = fields.path_of("content");
  const json* const content = fields.take("content");
  if (content == nullptr) refuse(at, "missing", "missing_value");
  if (content->is_string()) {
    add_text(content->get<std::string>(), at, conversation);
  } else if (content->is_array()) {
    for (size_t i = 0; i < content->size(); ++i) read_part((*content)[i], fmt::format("{}[{}]", at, i), conversation);
  } else {
    refuse(at, "expected a string or an array", "invalid_value");
  }
  fields.refuse_others();
}

Conversation read_messages(const json* messages) {
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    refuse("messages", "expected an array with a message of the role user", "invalid_value");
  }
  Conversation conversation;
  for (size_t i = 0; i < messages->size(); ++i) {
    read_message((*messages)[i], fmt::format("messages[{}]", i), conversation);
  }
  if (conversation.pictures.empty()) {
    refuse("messages", "no picture; expected at least one part of the type image_url", "missing_picture");
  }
  if (conversation.text.size() > max_prompt_bytes) {
    refuse(conversation.text_param, fmt::format("longer than {} bytes", max_prompt_bytes), "string_too_long");
  }
  return conversation;
}

std::vector<std::string> read_stops(JsonFields& fields) {
  const json* const given = fields.take("stop");
  if (given == nullptr) return {};
  const json list = given->is_array() ? *given : json::array({*given});
  std::vector<std::string> stops;
  for (const json& stop : list) {
    const bool text = stop.is_string() && !stop.get_ref<const std::string&>().empty();
    if (!text || stop.get_ref<const std::string&>().size() > max_stop_bytes || stops.size() == max_stops) {
      refuse("stop", fmt::format("expected a string, or up to {}, of 1 to {} bytes", max_stops, max_stop_bytes),
             "invalid_value");
    }
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

int64_t read_max_tokens(JsonFields& fields) {
  const std::optional<int64_t> now = fields.integer("max_completion_tokens", 1, max_token_limit);
  const std::optional<int64_t> before = fields.integer("max_tokens", 1, max_token_limit);
  if (now && before && *now != *before) {
    refuse("max_tokens", "differs from max_completion_tokens, which is its newer name; send one", "invalid_value");
  }
  return now.value_or(before.value_or(0));
}

void read_sampling(JsonFields& fields, PageOptions& options) {
  options.temperature = static_cast<float>(fields.number("temperature", 0, 2).value_or(0));
  options.top_p = static_cast<float>(fields.number("top_p", 0, 1).value_or(1));
  if (options.top_p <= 0) refuse("top_p", "expected a number above 0", "invalid_value");
  const std::optional<int64_t> seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  if (seed) {
    options.seed = static_cast<uint64_t>(*seed);
  } else if (options.temperature > 0) {
    std::random_device random;
    options.seed = (static_cast<uint64_t>(random()) << 32) | random();
  }
  options.max_tokens = read_max_tokens(fields);
  options.stop = read_stops(fields);
}

// Fields that change nothing at the value given, and nothing else is served.
void read_fixed(JsonFields& fields) {
  fields.integer("n", 1, 1);
  fields.number("frequency_penalty", 0, 0);
  fields.number("presence_penalty", 0, 0);
  if (fields.take("top_logprobs") != nullptr) {
    refuse("top_logprobs", "only the tokens that were chosen have log-probabilities; leave it out",
           "unsupported_parameter");
  }
  if (fields.boolean("store").value_or(false)) refuse("store", "nothing is stored", "unsupported_parameter");
  if (const json* const format = fields.take("response_format")) {
    JsonFields named(*format, "response_format");
    if (named.text("type").value_or("") != "text") {
      refuse("response_format.type", "expected text", "unsupported_parameter");
    }
    named.refuse_others();
  }
  // What clients say of themselves.
  for (const char* name : {"user", "safety_identifier", "prompt_cache_key", "service_tier", "metadata"})
    fields.take(name);
}

void read_own(JsonFields& fields, PageOptions& options) {
  const json* const given = fields.take("lectern");
  if (given == nullptr) return;
  JsonFields own(*given, "lectern");
  const std::string text = own.text("text").value_or("raw");
  if (text != "raw" && text != "plain") refuse("lectern.text", "expected raw or plain", "invalid_value");
  options.plain = text == "plain";
  options.mode = own.text("mode").value_or(options.mode);
  own.refuse_others();
}

}  // namespace

ChatRequest parse_chat_request(std::string_view body, const std::function<bool(const std::string&)>& has_model) {
  const json parsed = parse_json(body);
  JsonFields fields(parsed, "");
  ChatRequest request;
  request.model = fields.text("model").value_or("");
  if (!request.model.empty() && !has_model(request.model)) {
    throw ApiError(404, fmt::format("model: there is no '{}' here; GET /v1/models lists those that are", request.model),
                   "model", "model_not_found");
  }
  read_sampling(fields, request.options);
  read_fixed(fields);
  read_own(fields, request.options);
  request.options.logprobs = fields.boolean("logprobs").value_or(false);
  request.stream = fields.boolean("stream").value_or(false);
  // Text that was sent cannot be taken back, as it would be when a page is read once more.
  request.options.retry = !request.stream;
  if (const json* const given = fields.take("stream_options")) {
    JsonFields options(*given, "stream_options");
    request.include_usage = options.boolean("include_usage").value_or(false);
    options.boolean("include_obfuscation");
    options.refuse_others();
    if (!request.stream) refuse("stream_options", "only for streams; set stream to true", "invalid_value");
  }
  const json* const messages = fields.take("messages");
  fields.refuse_others();
  Conversation conversation = read_messages(messages);
  request.pictures = std::move(conversation.pictures);
  request.options.prompt = std::move(conversation.text);
  return request;
}

}  // namespace lectern::server
