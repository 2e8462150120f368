#include "server/openai/json_fields.h"

#include <fmt/format.h>

#include "server/openai/api_error.h"

namespace lectern::server {

using nlohmann::json;

namespace {

// Requests are flat and have few values; text that only opens brackets would cost a hundred times its size.
constexpr int max_depth = 16;
constexpr size_t max_values = 100'000;

[[noreturn]] void refuse_value(const std::string& path, std::string_view expected) {
  throw ApiError(400, fmt::format("{}: expected {}", path, expected), path, "invalid_value");
}

}  // namespace

json parse_json(std::string_view text) {
  size_t values = 0;
  const auto within_limits = [&](int depth, json::parse_event_t, json&) {
    if (depth > max_depth || ++values > max_values) {
      throw ApiError(400, fmt::format("the body: JSON nested deeper than {} levels, or of more than {} values",
                                      max_depth, max_values));
    }
    return true;
  };
  try {
    return json::parse(text, within_limits);
  } catch (const json::exception& error) {
    // Messages of the parser quote the text, which may be a whole picture.
    const auto* const syntax = dynamic_cast<const json::parse_error*>(&error);
    throw ApiError(400, syntax == nullptr ? "the body: not valid JSON"
                                          : fmt::format("the body: not valid JSON at byte {}", syntax->byte));
  }
}

JsonFields::JsonFields(const json& value, std::string path) : value_(value), path_(std::move(path)) {
  if (!value_.is_object()) refuse_value(path_.empty() ? "the body" : path_, "an object");
}

const json* JsonFields::take(const std::string& name) {
  taken_.insert(name);
  const auto found = value_.find(name);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<bool> JsonFields::boolean(const std::string& name) {
  const json* const value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse_value(path_of(name), "true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonFields::text(const std::string& name) {
  const json* const value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse_value(path_of(name), "a string");
  return value->get<std::string>();
}

std::optional<int64_t> JsonFields::integer(const std::string& name, int64_t min, int64_t max) {
  const json* const value = take(name);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  if (!fits || value->get<int64_t>() < min || value->get<int64_t>() > max) {
    refuse_value(path_of(name), min == max ? fmt::format("{}", min) : fmt::format("an integer of {} to {}", min, max));
  }
  return value->get<int64_t>();
}

std::optional<double> JsonFields::number(const std::string& name, double min, double max) {
  const json* const value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() >= min && value->get<double>() <= max)) {
    refuse_value(path_of(name), min == max ? fmt::format("{}", min) : fmt::format("a number of {} to {}", min, max));
  }
  return value->get<double>();
}

void JsonFields::refuse_others() const {
  for (const auto& [name, value] : value_.items()) {
    if (value.is_null() || taken_.contains(name)) continue;
    throw ApiError(400, fmt::format("{}: not known here; leave it out", path_of(name)), path_of(name),
                   "unknown_parameter");
  }
}

}  // namespace lectern::server
