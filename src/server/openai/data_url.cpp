#include "server/openai/data_url.h"

#include <algorithm>

#include "core/text.h"
#include "output/base64.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

constexpr std::string_view scheme = "data:";

}  // namespace

bool is_data_url(std::string_view url) { return equals_in_any_case(url.substr(0, scheme.size()), scheme); }

DataUrl parse_data_url(std::string_view url, const std::string& param) {
  constexpr std::string_view mark = ";base64";
  if (!is_data_url(url)) {
    throw ApiError(400, param + ": pictures are not fetched; send the picture itself, as data:image/png;base64,...",
                   param, "unsupported_url");
  }
  url.remove_prefix(scheme.size());
  const size_t comma = url.find(',');
  const std::string_view head = url.substr(0, comma);
  if (comma == std::string_view::npos || !head.ends_with(mark)) {
    throw ApiError(400, param + ": not a data URL in base64; expected data:image/png;base64,...", param,
                   "invalid_data_url");
  }
  DataUrl parsed;
  parsed.media_type = head.substr(0, std::min(head.find(';'), head.size()));
  std::string digits;
  digits.reserve(url.size() - comma + 3);
  std::ranges::copy_if(url.substr(comma + 1), std::back_inserter(digits), [](char c) { return !is_space(c); });
  while (digits.size() % 4 > 1) digits += '=';
  try {
    parsed.bytes = from_base64(digits);
  } catch (const Error&) {
    throw ApiError(400, param + ": the data URL holds what is not base64", param, "invalid_data_url");
  }
  return parsed;
}

}  // namespace lectern::server
