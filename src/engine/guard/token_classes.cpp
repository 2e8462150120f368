#include "engine/guard/token_classes.h"

#include <algorithm>

#include "core/text.h"

namespace lectern {
namespace {

bool is_tag(std::string_view bytes) { return bytes.size() > 2 && bytes.starts_with('<') && bytes.ends_with('>'); }

// A token may hold a piece of a character, so that lead bytes must do: those of U+0080..00BF and U+2000..2FFF, and
// U+3000..303F where both bytes are there, are of signs, spaces, points and dashes; all others are of letters.
bool has_letters(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if ((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z')) return true;
    if (byte < 0xC3 || byte == 0xE2) continue;
    if (byte == 0xE3 && bytes.substr(i + 1, 1) == "\x80") continue;
    return true;
  }
  return false;
}

}  // namespace

TokenClasses::TokenClasses(const Tokenizer& tokenizer)
    : tokenizer_(&tokenizer),
      classes_(static_cast<size_t>(tokenizer.size())),
      boxes_begin_(tokenizer.id_of("<|det|>").value_or(-1)),
      boxes_end_(tokenizer.id_of("<|/det|>").value_or(-1)) {
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    const std::string_view bytes = tokenizer.bytes_of(id);
    TokenClass& found = classes_[static_cast<size_t>(id)];
    found.digits = !bytes.empty() && std::ranges::all_of(bytes, is_digit);
    found.letters = !is_tag(bytes) && has_letters(bytes);
    found.line_end = bytes == "<tr>" || bytes == "</tr>" || bytes.find('\n') != std::string_view::npos;
    if (found.digits) digits_.push_back(id);
  }
}

}  // namespace lectern
