// What the server's calls take and give, as OpenAPI 3.1: src/server/openapi.json, compiled in.
#pragma once

#include <string_view>

namespace lectern::server {

std::string_view openapi_json();

}  // namespace lectern::server
