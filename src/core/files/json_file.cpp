#include "core/files/json_file.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;

// Builds the value from the parser's events. nlohmann's own builder has no limit on depth, keeps duplicates quietly,
// and with a callback takes quadratic time.
class Builder final : public nlohmann::json_sax<json> {
 public:
  Builder(std::string_view name, const JsonLimits& limits) : name_(name), limits_(limits) {}

  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON text

  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    auto& object = open_.back()->get_ref<json::object_t&>();
    const auto [entry, added] = object.try_emplace(key);
    if (!added && limits_.unique_keys)
      throw Error(name_ + ": key " + printable(key) + " appears twice", ErrorCode::corrupt_input);
    slot_ = &entry->second;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    std::string_view text = error.what();
    if (const size_t end = text.find("] "); text.starts_with("[json.exception") && end != text.npos) {
      text.remove_prefix(end + 2);
    }
    if (text.empty()) text = "syntax error";
    throw Error(name_ + ": not valid JSON at byte " + std::to_string(position) + ": " + printable(text),
                ErrorCode::corrupt_input);
  }

 private:
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (open_.size() >= limits_.max_depth) {
      throw Error(name_ + ": nested more than " + std::to_string(limits_.max_depth) + " levels deep",
                  ErrorCode::corrupt_input);
    }
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  json* place(json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  const std::string name_;
  const JsonLimits limits_;
  json root_;
  std::vector<json*> open_;  // arrays and objects not closed yet, outermost first
  json* slot_ = nullptr;     // where the value of the last key goes
};

}  // namespace

json parse_json(std::string_view text, std::string_view name, const JsonLimits& limits) {
  Builder builder(name, limits);
  if (!json::sax_parse(text, &builder)) throw Error(std::string(name) + ": not valid JSON", ErrorCode::corrupt_input);
  return builder.take();
}

json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_text_file(path, limits.max_bytes), path.string(), limits);
}

std::string printable(std::string_view text, size_t max_length) {
  std::string line;
  for (const char c : text.substr(0, max_length)) line += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > max_length) line += "...";
  return line;
}

}  // namespace lectern
