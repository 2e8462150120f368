// The refusal of a model that a server does not have.
#pragma once

#include <string>

#include "server/openai/api_error.h"

namespace lectern::server {

// 404. What a client calls the model stands in the message in full: a NUL, which would end the message, as U+FFFD.
ApiError unknown_model(std::string name);

}  // namespace lectern::server
