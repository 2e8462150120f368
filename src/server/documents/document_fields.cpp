#include "server/documents/document_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "layout/raw_text.h"
#include "lectern/error.h"
#include "server/documents/result_options.h"
#include "server/json_line.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

constexpr double min_dpi = 20, max_dpi = 1200;
constexpr std::array<std::string_view, 13> names = {"model",       "prompt", "mode",   "max_tiles",      "pages",
                                                    "password",    "dpi",    "orient", "pages_together", "max_tokens",
                                                    "temperature", "top_p",  "seed"};

[[noreturn]] void refuse(const std::string& field, const std::string& expected) {
  throw ApiError(400, fmt::format("{}: expected {}", field, expected), field, "invalid_value");
}

template <typename Number>
Number number_in(const std::map<std::string, std::string>& fields, const std::string& name, Number otherwise,
                 Number min, Number max, const std::string& expected) {
  const auto found = fields.find(name);
  if (found == fields.end()) return otherwise;
  Number value{};
  const char* const end = found->second.data() + found->second.size();
  const auto [read, failure] = std::from_chars(found->second.data(), end, value);
  if (failure != std::errc() || read != end || !(value >= min && value <= max)) refuse(name, expected);
  return value;
}

std::string text_in(const std::map<std::string, std::string>& fields, const std::string& name,
                    const std::string& otherwise = "") {
  const auto found = fields.find(name);
  return found == fields.end() ? otherwise : found->second;
}

}  // namespace

bool is_document_field(std::string_view name) {
  return std::ranges::find(names, name) != names.end() || is_result_option(name);
}

DocumentFields parse_document_fields(const std::map<std::string, std::string>& fields) {
  for (const auto& [name, value] : fields) {
    if (!is_document_field(name)) {
      throw ApiError(400, fmt::format("{}: there is no such field", name), name, "unknown_field");
    }
    if (has_bad_utf8(value)) refuse(name, "text in UTF-8");
  }
  DocumentFields parsed;
  parsed.model = text_in(fields, "model");
  try {
    parsed.pages = parse_page_range(text_in(fields, "pages"));
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "pages", "invalid_value");
  }
  parsed.dpi =
      number_in<double>(fields, "dpi", 0, min_dpi, max_dpi, fmt::format("a number from {} to {}", min_dpi, max_dpi));
  parsed.password = text_in(fields, std::string(secret_field));
  const std::string orient = text_in(fields, "orient", "none");
  if (orient != "auto" && orient != "none") refuse("orient", "auto or none");
  parsed.upright = orient == "auto";
  PageOptions& options = parsed.options;
  options.plain = true;
  options.prompt = text_in(fields, "prompt");
  options.mode = text_in(fields, "mode", options.mode);
  options.max_tiles =
      number_in<int>(fields, "max_tiles", 0, 1, max_tile_limit, fmt::format("a number from 1 to {}", max_tile_limit));
  options.pages_together = number_in<int>(fields, "pages_together", 1, 1, max_pages_together,
                                          fmt::format("a number from 1 to {}", max_pages_together));
  options.max_tokens = number_in<int64_t>(fields, "max_tokens", 0, 1, max_token_limit,
                                          fmt::format("a number from 1 to {}", max_token_limit));
  options.temperature = number_in<float>(fields, "temperature", 0, 0, 2, "a number from 0 to 2");
  options.top_p =
      number_in<float>(fields, "top_p", 1, std::numeric_limits<float>::min(), 1, "a number above 0, up to 1");
  options.seed =
      number_in<uint64_t>(fields, "seed", 0, 0, std::numeric_limits<uint64_t>::max(), "a whole number of 64 bits");
  parsed.output = parse_result_options(fields);
  return parsed;
}

std::string fields_to_json(const std::map<std::string, std::string>& fields) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : fields) object[name] = value;
  return one_line(object);
}

std::map<std::string, std::string> fields_from_json(const std::string& json) {
  return ordered_json::parse(json).get<std::map<std::string, std::string>>();
}

}  // namespace lectern::server
