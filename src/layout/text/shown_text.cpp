#include "layout/text/shown_text.h"

#include <algorithm>

#include "core/utf8.h"
#include "layout/markup.h"

namespace lectern {
namespace {

// Calls `take` with each character and its bytes; bytes that are no character come as U+FFFD.
template <typename Take>
void for_each_character(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    const std::string_view bytes = text.substr(0, length);
    take(state == Utf8State::valid ? code_point(bytes) : U'\uFFFD', bytes, state == Utf8State::valid);
    text.remove_prefix(length);
  }
}

}  // namespace

std::string terminal_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](char32_t c, std::string_view bytes, bool valid) {
    out += !valid || (is_control(c) && c != '\n' && c != '\t') ? replacement_character : bytes;
  });
  return out;
}

std::string terminal_line(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, std::string_view bytes, bool valid) {
    out += !valid || is_control(c) ? std::string_view("?") : bytes;
  });
  return out;
}

std::string comment_text(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, std::string_view bytes, bool valid) {
    if (c == '-' && out.ends_with('-')) out += ' ';
    out += !valid ? replacement_character : is_control(c) ? std::string_view(" ") : bytes;
  });
  if (out.ends_with('-')) out += ' ';
  return out;
}

std::string hocr_property(std::string_view text) {
  std::string out = valid_utf8(text);
  std::ranges::replace_if(
      out, [](char c) { return c == ';' || c == '"' || c == '\\' || (c >= 0 && c < 0x20); }, '_');
  for (const std::string_view property : {"bbox ", "ppageno ", "scan_res ", "textangle ", "x_wconf "}) {
    for (size_t at = out.find(property); at != std::string::npos; at = out.find(property)) {
      out[at + property.size() - 1] = '_';
    }
  }
  return out;
}

}  // namespace lectern
