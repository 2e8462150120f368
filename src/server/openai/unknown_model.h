// The error for a model that the server does not have.
#pragma once

#include <string>

#include "server/openai/api_error.h"

namespace lectern::server {

// 404, with the client's name of the model in full; a NUL, which would end the message, becomes U+FFFD.
ApiError unknown_model(std::string name);

}  // namespace lectern::server
