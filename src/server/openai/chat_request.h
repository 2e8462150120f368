// The body of POST /v1/chat/completions: pictures of pages, what is asked of them, and how the answer is wanted.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/served_model.h"

namespace lectern::server {

struct ChatPicture {
  std::string param;  // where it stood, "messages[0].content[1].image_url"; its name in messages
  std::string bytes;  // of a picture file
};

struct ChatRequest {
  std::string model;  // as it was asked for; empty: the first that is served
  std::vector<ChatPicture> pictures;
  PageOptions options;  // of every page
  bool stream = false;
  bool include_usage = false;  // a last event of a stream
};

// Throws ApiError, naming the field, for all that is not served. `has_model` is asked before anything else is looked
// at. A seed is drawn where none was given and one matters.
ChatRequest parse_chat_request(std::string_view body, const std::function<bool(const std::string&)>& has_model);

}  // namespace lectern::server
