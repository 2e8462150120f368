// Data URLs (RFC 2397), in which clients send pictures.
#pragma once

#include <string>
#include <string_view>

namespace lectern::server {

bool is_data_url(std::string_view url);

struct DataUrl {
  std::string media_type;  // "image/png", as given by the client; not relied on
  std::string bytes;
};

// Parses data:TYPE;base64,DIGITS. White space within the digits is ignored, padding may be missing. Throws ApiError,
// naming the field `param`, for any other text and for URLs that would have to be fetched.
DataUrl parse_data_url(std::string_view url, const std::string& param);

}  // namespace lectern::server
