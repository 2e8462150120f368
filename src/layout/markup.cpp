#include "layout/markup.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/utf8.h"

namespace lectern {
namespace {

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    const std::string_view bytes = text.substr(0, length);
    text.remove_prefix(length);
    if (state != Utf8State::valid) {
      out += replacement_character;
      continue;
    }
    if (length > 1) {
      const char32_t c = characters_of(bytes).front();
      out += c < 0xA0 || (c & 0xFFFE) == 0xFFFE ? replacement_character : bytes;
      continue;
    }
    const auto c = static_cast<unsigned char>(bytes.front());
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += quotes ? "&quot;" : "\""; break;
      case '\'': out += quotes ? "&#39;" : "'"; break;
      default: out += (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F ? replacement_character : bytes;
    }
  }
  return out;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  const size_t taken = append_utf8(bytes, text);
  if (taken < bytes.size()) text += replacement_character;
  return text;
}

std::string escape_markup(std::string_view text) { return escaped(text, true); }
std::string escape_text(std::string_view text) { return escaped(text, false); }

std::string utf8_of(char32_t character) {
  const auto c = static_cast<uint32_t>(character);
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return std::string(replacement_character);
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

std::u32string characters_of(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    char32_t value = 0xFFFD;
    if (state == Utf8State::valid) {
      const auto lead = static_cast<uint8_t>(text[0]);
      value = length == 1 ? lead : lead & (0x7FU >> length);
      for (size_t i = 1; i < length; ++i) value = value << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
    }
    out += value;
    text.remove_prefix(length);
  }
  return out;
}

bool is_wide(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 8> ranges = {{{0x1100, 0x115F},
                                                                    {0x2E80, 0xA4CF},
                                                                    {0xAC00, 0xD7A3},
                                                                    {0xF900, 0xFAFF},
                                                                    {0xFE30, 0xFE4F},
                                                                    {0xFF01, 0xFF60},
                                                                    {0xFFE0, 0xFFE6},
                                                                    {0x1F300, 0x3FFFD}}};
  return std::ranges::any_of(ranges, [c](const auto& range) { return range.first <= c && c <= range.second; });
}

}  // namespace lectern
