// Parsing of numbers.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace lectern {

// The decimal number that is the whole text; nullopt for other text and for numbers beyond 64 bits.
inline std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// nullopt also outside of `min` to `max`.
inline std::optional<int> whole_number(std::string_view text, int min, int max) {
  const std::optional<int64_t> value = whole_number(text);
  if (!value || *value < min || *value > max) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace lectern
