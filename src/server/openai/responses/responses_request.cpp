#include "server/openai/responses/responses_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "server/openai/api_error.h"
#include "server/openai/json_fields.h"

namespace lectern::server {
namespace {

using nlohmann::json;

constexpr std::string_view logprobs_name = "message.output_text.logprobs";

void read_part(const json& part, const std::string& param, Conversation& conversation) {
  JsonFields fields(part, param);
  const std::string type = fields.text("type").value_or("");
  if (type == "input_text") {
    conversation.add_text(fields.text("text").value_or(""), fields.path_of("text"));
  } else if (type == "input_image") {
    const std::string at = fields.path_of("image_url");
    if (fields.take("file_id") != nullptr) {
      refuse_field(fields.path_of("file_id"), "no files are kept; send the picture as image_url",
                   "unsupported_content");
    }
    const std::string url = fields.text("image_url").value_or("");
    read_detail(fields);
    conversation.add_picture(url, at);
  } else {
    refuse_field(fields.path_of("type"), "expected input_text or input_image", "unsupported_content");
  }
  fields.refuse_others();
}

void read_item(JsonFields& item, Conversation& conversation) {
  if (item.text("type").value_or("message") != "message") {
    refuse_field(item.path_of("type"), "expected message", "unsupported_content");
  }
  read_role(item);
  item.text("id");
  item.text("status");
  read_content(item, conversation, read_part);
}

// Only the value given is served, which changes nothing.
void read_only(JsonFields& fields, const std::string& name, std::string_view value) {
  if (fields.text(name).value_or(std::string(value)) == value) return;
  refuse_field(name, fmt::format("expected {}", value), "unsupported_parameter");
}

void read_fixed(JsonFields& fields) {
  fields.integer("top_logprobs", 0, 0);
  fields.boolean("parallel_tool_calls");  // there are none
  if (const json* const tools = fields.take("tools"); tools != nullptr && (!tools->is_array() || !tools->empty())) {
    refuse_field("tools", "the model calls no tools", "unsupported_parameter");
  }
  const std::string choice = fields.text("tool_choice").value_or("auto");
  if (choice != "auto" && choice != "none") {
    refuse_field("tool_choice", "the model calls no tools", "unsupported_parameter");
  }
  read_only(fields, "truncation", "disabled");
  if (fields.boolean("background").value_or(false)) {
    refuse_field("background", "nothing is stored", "unsupported_parameter");
  }
  if (const json* const text = fields.take("text")) {
    JsonFields options(*text, "text");
    read_text_format(options.take("format"), "text.format");
    options.refuse_others();
  }
  if (const json* const given = fields.take("stream_options")) {
    JsonFields options(*given, "stream_options");
    options.boolean("include_obfuscation");
    options.refuse_others();
  }
  read_labels(fields);
}

bool read_include(JsonFields& fields) {
  const json* const given = fields.take("include");
  if (given == nullptr) return false;
  const bool known = given->is_array() && std::ranges::all_of(*given, [](const json& name) {
                       return name.is_string() && name.get_ref<const std::string&>() == logprobs_name;
                     });
  if (!known)
    refuse_field("include", fmt::format("expected an array of {} or nothing", logprobs_name), "invalid_value");
  return !given->empty();
}

}  // namespace

ResponsesRequest parse_responses_request(std::string_view body, const RequestRules& rules) {
  const json parsed = parse_json(body);
  JsonFields fields(parsed, "");
  ResponsesRequest request;
  request.model = read_model(fields, rules);
  read_sampling(fields, std::nullopt, request.options);
  request.options.max_tokens = read_token_limit(fields, "max_output_tokens");
  request.options.logprobs = read_include(fields);
  if (const json* const metadata = fields.take("metadata")) {
    if (!metadata->is_object()) refuse_field("metadata", "expected an object", "invalid_value");
    request.metadata = *metadata;
  }
  read_fixed(fields);
  read_own(fields, request.options);
  request.stream = fields.boolean("stream").value_or(false);
  // Text that was sent cannot be taken back, as it would be when a page is read once more.
  request.options.retry = !request.stream;
  const json* const input = fields.take("input");
  fields.refuse_others();
  read_messages(input, "input", rules, read_item, request);
  return request;
}

}  // namespace lectern::server
