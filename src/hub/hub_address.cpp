#include "hub/hub_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/files/json_file.h"
#include "hub/http.h"
#include "lectern/error.h"

namespace lectern::hub {

constexpr const char* public_hub = "https://huggingface.co";

std::string hub_endpoint(const std::string& given) {
  const char* const named = std::getenv("HF_ENDPOINT");
  std::string endpoint = given;
  if (endpoint.empty()) endpoint = named != nullptr && *named != '\0' ? named : public_hub;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  origin_of(endpoint);  // throws for what is none
  if (endpoint.find_first_of("?#@ ") != std::string::npos) {
    throw Error(printable(endpoint) + ": is no address of a hub; expected https://HOST or http://HOST");
  }
  return endpoint;
}

std::string token_warning(const std::string& endpoint, const std::string& token) {
  if (token.empty() || !endpoint.starts_with("http://")) return "";
  return fmt::format("{}: is not encrypted, and HF_TOKEN is sent to it; unset HF_TOKEN, or use an https:// address",
                     endpoint);
}

std::string hub_token() {
  const char* const named = std::getenv("HF_TOKEN");
  std::string token = named == nullptr ? "" : named;
  if (!std::ranges::all_of(token, [](unsigned char c) { return c > 0x20 && c < 0x7F; })) {
    throw Error("HF_TOKEN: holds a space or a character that no token has");
  }
  return token;
}

}  // namespace lectern::hub
