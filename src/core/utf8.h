// UTF-8 decoder for untrusted bytes: one character at a time, with the kind of error for invalid ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lectern {

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

enum class Utf8State : uint8_t {
  valid,
  invalid,    // no character starts like this
  truncated,  // the beginning of a character; the bytes end before it does
};

// `length` bytes are one character, or the longest beginning of one (Unicode's "maximal subpart").
struct Utf8Character {
  size_t length;
  Utf8State state;
};

// Reads the first character of `bytes`, which must not be empty. Overlong forms, surrogates and values above
// U+10FFFF are invalid.
inline Utf8Character first_utf8(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return {1, Utf8State::valid};
  if (lead < 0xC2 || lead > 0xF4) return {1, Utf8State::invalid};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {i, Utf8State::truncated};
    uint8_t low = 0x80, high = 0xBF;
    if (i == 1) {
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (at(i) < low || at(i) > high) return {i, Utf8State::invalid};
  }
  return {length, Utf8State::valid};
}

// The code point of a valid character.
inline char32_t code_point(std::string_view character) {
  const auto lead = static_cast<uint8_t>(character[0]);
  char32_t value = character.size() == 1 ? lead : lead & (0x7F >> character.size());
  for (size_t i = 1; i < character.size(); ++i) value = value << 6 | (static_cast<uint8_t>(character[i]) & 0x3F);
  return value;
}

// What acts on a terminal where it is shown: controls of both sets, line breaks among them, and what embeds, overrides
// or isolates a direction.
inline bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
         c == 0x200E || c == 0x200F || c == 0x061C || c == 0x2028 || c == 0x2029;
}

// Appends `bytes` to `text` with U+FFFD in place of each invalid piece. Stops before a character that the end of
// the bytes cuts off; returns how many bytes were taken.
inline size_t append_utf8(std::string_view bytes, std::string& text) {
  size_t taken = 0;
  while (taken < bytes.size()) {
    const auto [length, state] = first_utf8(bytes.substr(taken));
    if (state == Utf8State::truncated) break;
    text += state == Utf8State::valid ? bytes.substr(taken, length) : replacement_character;
    taken += length;
  }
  return taken;
}

}  // namespace lectern
