// JSON as text in one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lectern::server {

// `value` is a json or an ordered_json; invalid UTF-8 in it becomes U+FFFD.
template <typename Json>
std::string one_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}
inline std::string one_line(const nlohmann::ordered_json& value) { return one_line<nlohmann::ordered_json>(value); }

}  // namespace lectern::server
