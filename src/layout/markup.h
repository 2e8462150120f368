// Small pieces of text handling that the writers share: valid UTF-8, its characters, escapes of HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// With U+FFFD in place of every piece that is no UTF-8.
std::string valid_utf8(std::string_view bytes);

// For text and quoted attributes of HTML and XML: < > & " ' as entities, valid UTF-8, and U+FFFD in place of controls
// and of the characters that are none (U+FFFE, U+FFFF and their like of every plane), which XML does not allow.
std::string escape_markup(std::string_view text);

// For text between tags: as escape_markup, but quotes stay.
std::string escape_text(std::string_view text);

// UTF-8 of one character; U+FFFD for what is none.
std::string utf8_of(char32_t character);

// The characters of valid UTF-8; elsewhere U+FFFD.
std::u32string characters_of(std::string_view text);

// Written in a square, in scripts without spaces between words.
bool is_wide(char32_t c);

}  // namespace lectern
