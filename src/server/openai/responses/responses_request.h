// The body of POST /v1/responses in its picture form: input_image and input_text.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "server/openai/picture_request.h"

namespace lectern::server {

struct ResponsesRequest : PictureRequest {
  nlohmann::json metadata;  // as sent; returned in the answer
};

// Throws ApiError, naming the field, for what is not supported.
ResponsesRequest parse_responses_request(std::string_view body, const RequestRules& rules);

}  // namespace lectern::server
