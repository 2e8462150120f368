// Base64 (RFC 4648, with padding), for data URIs and for bytes within JSON.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

std::string base64(std::string_view bytes);

// Throws Error for what is not base64.
std::string from_base64(std::string_view text);

}  // namespace lectern
