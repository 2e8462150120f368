// JSON of clients: parsed within limits, and its objects read field by field, so that whatever nobody asked for is
// refused by its name.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace lectern::server {

// Throws ApiError for what is no JSON, or is nested or has more values than any request needs.
nlohmann::json parse_json(std::string_view text);

// The fields of one object; the value null counts as a field that is not there. All throw ApiError with the path of
// the field, "stream_options.include_usage".
class JsonFields {
 public:
  // `path` of the object; empty: the request itself. The value must outlive the fields.
  JsonFields(const nlohmann::json& value, std::string path);

  // Null when it is not there.
  const nlohmann::json* take(const std::string& name);
  std::optional<bool> boolean(const std::string& name);
  std::optional<std::string> text(const std::string& name);
  // Within the bounds, which belong to them.
  std::optional<int64_t> integer(const std::string& name, int64_t min, int64_t max);
  std::optional<double> number(const std::string& name, double min, double max);
  std::string path_of(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

  // Refuses the fields that were not taken.
  void refuse_others() const;

 private:
  const nlohmann::json& value_;
  std::string path_;
  std::set<std::string> taken_;
};

}  // namespace lectern::server
