// Decoding of a file that should hold what a model wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lectern {

struct RawText {
  std::string text;           // UTF-8 without a byte order mark, but for what is no character
  size_t bad_lines = 0;       // with bytes that are no character in the file's encoding
  size_t first_bad_line = 0;  // from 1; 0: none
};

// UTF-8 and, with or without a byte order mark, UTF-16, as PowerShell's > writes it, and UTF-32. Throws Error, in which
// `name` stands for the file, for anything else: an empty file, a picture, a PDF, an archive, JSON that Lectern wrote,
// bytes that are no text.
RawText raw_text(std::string bytes, std::string_view name);

// Whether some bytes are no character of UTF-8.
bool has_bad_utf8(std::string_view text);

}  // namespace lectern
