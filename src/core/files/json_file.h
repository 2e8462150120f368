// JSON from files that others wrote, parsed with limits: nesting is bounded, so neither parsing nor destroying the
// value can exhaust the stack; text is valid UTF-8; duplicate keys are refused where that is asked for.
//
// Throws Error, naming the file and the place in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace lectern {

struct JsonLimits {
  size_t max_bytes = size_t{256} << 20;  // of the file
  size_t max_depth = 64;                 // of nested arrays and objects
  bool unique_keys = false;              // otherwise the last of the duplicates counts
};

// `name` stands for the text in messages.
nlohmann::json parse_json(std::string_view text, std::string_view name, const JsonLimits& limits = {});
nlohmann::json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

// Untrusted text for a message: one line of printable ASCII, cut when long, other bytes as '?'.
std::string printable(std::string_view text, size_t max_length = 160);

}  // namespace lectern
