// UTF-8 and escapes for writers: valid UTF-8, its characters, entities of HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// Replaces every invalid piece of UTF-8 by U+FFFD.
std::string valid_utf8(std::string_view bytes);

// For text and quoted attributes of HTML and XML: < > & " ' as entities, valid UTF-8, and U+FFFD in place of controls
// and of noncharacters (U+FFFE, U+FFFF and their like of every plane), which XML does not allow.
std::string escape_markup(std::string_view text);

// For text between tags: as escape_markup, but quotes stay.
std::string escape_text(std::string_view text);

// UTF-8 of one character; that of U+FFFD for an invalid code point.
std::string utf8_of(char32_t character);

// Decodes UTF-8, with U+FFFD for invalid pieces.
std::u32string characters_of(std::string_view text);

// Whether a character is a full square wide, as in scripts without spaces between words.
bool is_wide(char32_t c);

}  // namespace lectern
