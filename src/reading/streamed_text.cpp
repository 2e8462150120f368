#include "reading/streamed_text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace lectern {
namespace {

// Special tokens of the published tokenizer that are text of a page.
constexpr std::array<std::string_view, 8> table_tags = {"<table>", "</table>", "<tr>", "</tr>",
                                                        "<td>",    "</td>",    "<th>", "</th>"};

}  // namespace

StreamedText::StreamedText(const Tokenizer& tokenizer, Shown shown)
    : tokenizer_(&tokenizer), shown_(shown), stream_(tokenizer, false) {}

std::string StreamedText::filtered(const std::string& text) {
  switch (shown_) {
    case Shown::raw: return text;
    case Shown::untagged: return tags_.push(text);
    case Shown::plain: return tables_.push(text);
  }
  return text;
}

std::string StreamedText::push(int32_t token, size_t cut) {
  const bool dropped = shown_ == Shown::plain && tokenizer_->is_special(token) &&
                       std::ranges::find(table_tags, tokenizer_->bytes_of(token)) == table_tags.end();
  return dropped ? "" : filtered(stream_.push(token, cut));
}

std::string StreamedText::finish() {
  std::string text = filtered(stream_.finish());
  if (shown_ == Shown::untagged) text += tags_.finish();
  if (shown_ == Shown::plain) text += tables_.finish();
  return text;
}

}  // namespace lectern
