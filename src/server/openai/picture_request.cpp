#include "server/openai/picture_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <utility>

#include "server/openai/api_error.h"
#include "server/openai/data_url.h"
#include "server/openai/unknown_model.h"

namespace lectern::server {

using nlohmann::json;

namespace {

constexpr size_t max_pictures = 256;
constexpr size_t max_prompt_bytes = 16 << 10;

}  // namespace

void Conversation::begin_message() const {
  // Texts of earlier messages are not part of the prompt.
  if (text_.empty()) return;
  refuse_field(text_param_, "only the last message may hold text, which is the prompt", "unsupported_history");
}

void Conversation::add_text(const std::string& text, const std::string& param) {
  if (text.empty()) return;
  if (!text_.empty()) text_ += '\n';
  text_ += text;
  text_param_ = param;
}

void Conversation::add_picture(const std::string& url, const std::string& param) {
  if (pictures_.size() == max_pictures) {
    refuse_field(param, fmt::format("the picture after the {} that one request may hold", max_pictures),
                 "too_many_pictures");
  }
  if (rules_.check_url && !is_data_url(url)) {
    rules_.check_url(url, param);
    pictures_.push_back({param, "", url});
  } else {
    pictures_.push_back({param, parse_data_url(url, param).bytes, ""});
  }
}

void Conversation::take(PictureRequest& request, const std::string& param) {
  if (pictures_.empty()) refuse_field(param, "no picture; expected one at least", "missing_picture");
  if (text_.size() > max_prompt_bytes) {
    refuse_field(text_param_, fmt::format("longer than {} bytes", max_prompt_bytes), "string_too_long");
  }
  request.pictures = std::move(pictures_);
  request.options.prompt = std::move(text_);
}

void read_messages(const json* messages, const std::string& param, const RequestRules& rules, ReadMessage* read,
                   PictureRequest& request) {
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    refuse_field(param, "expected an array with a message of the role user, which holds a picture", "invalid_value");
  }
  Conversation conversation(rules);
  for (size_t i = 0; i < messages->size(); ++i) {
    JsonFields fields((*messages)[i], fmt::format("{}[{}]", param, i));
    read(fields, conversation);
    fields.refuse_others();
  }
  conversation.take(request, param);
}

std::string read_model(JsonFields& fields, const RequestRules& rules) {
  std::string model = fields.text("model").value_or("");
  if (model.empty() || rules.has_model(model)) return model;
  throw unknown_model(std::move(model));
}

void read_detail(JsonFields& picture) {
  const std::string detail = picture.text("detail").value_or("auto");
  constexpr std::array<std::string_view, 3> known = {"auto", "low", "high"};
  if (std::ranges::find(known, detail) == known.end()) {
    refuse_field(picture.path_of("detail"), "expected auto, low or high", "invalid_value");
  }
}

void read_role(JsonFields& message) {
  if (message.text("role").value_or("") == "user") return;
  refuse_field(message.path_of("role"), "the model knows no roles; send one message of the role user with the pictures",
               "unsupported_role");
}

void read_content(JsonFields& message, Conversation& conversation, ReadPart* read_part) {
  conversation.begin_message();
  const std::string at = message.path_of("content");
  const nlohmann::json* const content = message.take("content");
  if (content == nullptr) refuse_field(at, "missing", "missing_value");
  if (content->is_string()) {
    conversation.add_text(content->get<std::string>(), at);
  } else if (content->is_array()) {
    for (size_t i = 0; i < content->size(); ++i) read_part((*content)[i], fmt::format("{}[{}]", at, i), conversation);
  } else {
    refuse_field(at, "expected a string or an array", "invalid_value");
  }
}

void read_sampling(JsonFields& fields, const std::optional<int64_t>& seed, PageOptions& options) {
  options.temperature = static_cast<float>(fields.number("temperature", 0, 2).value_or(0));
  options.top_p = static_cast<float>(fields.number("top_p", 0, 1).value_or(1));
  if (options.top_p <= 0) refuse_field("top_p", "expected a number above 0", "invalid_value");
  if (seed) {
    options.seed = static_cast<uint64_t>(*seed);
  } else if (options.temperature > 0) {
    std::random_device random;
    options.seed = (static_cast<uint64_t>(random()) << 32) | random();
  }
}

int64_t read_token_limit(JsonFields& fields, const std::string& name) {
  return fields.integer(name, 1, max_token_limit).value_or(0);
}

void read_text_format(const json* format, const std::string& param) {
  if (format == nullptr) return;
  JsonFields named(*format, param);
  if (named.text("type").value_or("") != "text") {
    refuse_field(named.path_of("type"), "expected text", "unsupported_parameter");
  }
  named.refuse_others();
}

void read_labels(JsonFields& fields) {
  for (const char* name :
       {"user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier", "metadata"}) {
    fields.take(name);
  }
  if (fields.boolean("store").value_or(false)) refuse_field("store", "nothing is stored", "unsupported_parameter");
}

void read_own(JsonFields& fields, PageOptions& options) {
  const json* const given = fields.take("lectern");
  if (given == nullptr) return;
  JsonFields own(*given, "lectern");
  const std::string text = own.text("text").value_or("raw");
  if (text != "raw" && text != "plain") refuse_field("lectern.text", "expected raw or plain", "invalid_value");
  options.plain = text == "plain";
  options.mode = own.text("mode").value_or(options.mode);
  options.max_tiles = static_cast<int>(own.integer("max_tiles", 1, max_tile_limit).value_or(0));
  options.pages_together = static_cast<int>(own.integer("pages_together", 1, max_pages_together).value_or(1));
  own.refuse_others();
}

}  // namespace lectern::server
