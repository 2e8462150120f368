// The body of POST /v1/chat/completions.
#pragma once

#include <string_view>

#include "server/openai/picture_request.h"

namespace lectern::server {

struct ChatRequest : PictureRequest {
  bool include_usage = false;  // in a last event of a stream
};

// Throws ApiError, naming the field, for what is not supported.
ChatRequest parse_chat_request(std::string_view body, const RequestRules& rules);

}  // namespace lectern::server
