// Escapes of untrusted text (names of files, labels, what a model wrote), one function for each place where it is
// shown. HTML and XML have escape_markup() of markup.h, Markdown has markdown_text() of output/text/markdown_text.h.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// Text for a terminal: controls but line breaks and tabs, characters that turn the direction of text around, and bytes
// that are no UTF-8 become U+FFFD.
std::string terminal_text(std::string_view text);

// A name or a message within a line for a terminal: the same, line breaks and tabs too, become question marks.
std::string terminal_line(std::string_view text);

// Text within <!-- and -->, in one line of valid UTF-8; no two hyphens stand side by side and none at the end.
std::string comment_text(std::string_view text);

// A value within the title attribute of hOCR, where semicolons part properties and quotes end a name, and in which
// readers look for the names of properties wherever they stand; not yet escaped for XML.
std::string hocr_property(std::string_view text);

}  // namespace lectern
