// The body of POST /v1/responses in its picture form: input_image and input_text.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "server/openai/picture_request.h"

namespace lectern::server {

struct ResponsesRequest : PictureRequest {
  nlohmann::json metadata;  // as it was sent: it is in the answer
};

// Throws ApiError, naming the field, for all that is not served.
ResponsesRequest parse_responses_request(std::string_view body, const RequestRules& rules);

}  // namespace lectern::server
