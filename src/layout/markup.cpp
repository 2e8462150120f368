#include "layout/markup.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/utf8.h"

namespace lectern {
namespace {

constexpr size_t longest_entity = 10;  // "&#x10FFFF;"

// What stands between & and ;
std::optional<std::string> entity(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> names = {
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00A0"}}};
  for (const auto& [known, text] : names) {
    if (name == known) return std::string(text);
  }
  if (name.size() < 2 || name[0] != '#') return std::nullopt;
  const bool hexadecimal = name[1] == 'x' || name[1] == 'X';
  const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return std::nullopt;
  return utf8_of(value);
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  const size_t taken = append_utf8(bytes, text);
  if (taken < bytes.size()) text += replacement_character;
  return text;
}

std::string escape_markup(std::string_view text) {
  std::string out;
  const std::string valid = valid_utf8(text);
  out.reserve(valid.size() + valid.size() / 8);
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto c = static_cast<unsigned char>(valid[i]);
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F) {
          out += replacement_character;
        } else {
          out += static_cast<char>(c);
        }
    }
  }
  return out;
}

std::string decode_entities(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t mark = std::min(text.find('&', at), text.size());
    out += text.substr(at, mark - at);
    at = mark;
    if (at == text.size()) break;
    const size_t end = text.substr(at, longest_entity).find(';');
    const auto decoded = end == std::string_view::npos ? std::nullopt : entity(text.substr(at + 1, end - 1));
    out += decoded ? *decoded : "&";
    at += decoded ? end + 1 : 1;
  }
  return out;
}

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

}  // namespace lectern
