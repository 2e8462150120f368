// Decoding of a file that should hold what a model wrote.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// UTF-8 without a byte order mark; UTF-16, as PowerShell's > writes it, is decoded. Throws Error, in which `name`
// stands for the file, for anything else: an empty file, a picture, a PDF, an archive, JSON that Lectern wrote.
std::string raw_text(std::string bytes, std::string_view name);

}  // namespace lectern
