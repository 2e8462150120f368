// Passwords as PDFs may want them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lectern::pdf {

// UTF-8 in Latin-1, for which PDFDocEncoding has the same letters; nothing for what it cannot say.
std::optional<std::string> to_latin_1(std::string_view text);

}  // namespace lectern::pdf
