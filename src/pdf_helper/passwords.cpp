#include "pdf_helper/passwords.h"

namespace lectern::pdf {

std::optional<std::string> to_latin_1(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      out += text[i];
    } else if ((first == 0xC2 || first == 0xC3) && i + 1 < text.size()) {
      out += static_cast<char>((first & 3u) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3Fu));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace lectern::pdf
