// JSON of clients, parsed within limits; objects are read field by field, so that unknown fields are refused by name.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace lectern::server {

// Throws ApiError for text that is not JSON, and for JSON nested deeper or with more values than any request needs.
nlohmann::json parse_json(std::string_view text);

// The fields of one object; null counts as a missing field. All functions throw ApiError with the path of the field,
// "stream_options.include_usage".
class JsonFields {
 public:
  // `path` of the object; empty: the request itself. The value must outlive the fields.
  JsonFields(const nlohmann::json& value, std::string path);

  // Null for a missing field.
  const nlohmann::json* take(const std::string& name);
  std::optional<bool> boolean(const std::string& name);
  std::optional<std::string> text(const std::string& name);
  // Bounds are inclusive.
  std::optional<int64_t> integer(const std::string& name, int64_t min, int64_t max);
  std::optional<double> number(const std::string& name, double min, double max);
  std::string path_of(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

  // Throws ApiError for the fields that were not taken.
  void refuse_others() const;

 private:
  const nlohmann::json& value_;
  std::string path_;
  std::set<std::string> taken_;
};

}  // namespace lectern::server
