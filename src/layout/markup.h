// Small pieces of text handling that the writers share: valid UTF-8, escapes and entities of HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// With U+FFFD in place of every piece that is no UTF-8.
std::string valid_utf8(std::string_view bytes);

// For text and quoted attributes of HTML and XML: < > & " ' as entities, valid UTF-8, and U+FFFD in place of control
// characters that XML does not allow.
std::string escape_markup(std::string_view text);

// &amp; &lt; &gt; &quot; &apos; &nbsp; and numbers become characters; anything else stays as it is.
std::string decode_entities(std::string_view text);

// UTF-8 of one character; U+FFFD for what is none.
std::string utf8_of(char32_t character);

// The characters of valid UTF-8; elsewhere U+FFFD.
std::u32string characters_of(std::string_view text);

}  // namespace lectern
