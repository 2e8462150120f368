#include "output/page_note.h"

#include <fmt/format.h>

#include <algorithm>

#include "layout/markup.h"

namespace lectern {

bool is_incomplete(const DocumentPage& page) {
  return page.finish == "length" || page.finish == "context" || page.finish == "stopped" || page.finish == "loop" ||
         (page.guard.loops > 0 && !page.guard.recovered);
}

std::string page_note(const DocumentPage& page) {
  if (!page.error.empty() || page.finish == "failed") {
    std::string reason = valid_utf8(page.error.empty() ? "unknown reason" : page.error);
    std::ranges::replace_if(
        reason, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return fmt::format("Page {} could not be read: {}", page.number, reason);
  }
  if (!is_incomplete(page)) return "";
  const std::string_view reason = page.finish == "length"    ? "it was cut short at the limit of tokens"
                                  : page.finish == "context" ? "it was cut short where the model's context ended"
                                  : page.finish == "stopped" ? "reading was interrupted"
                                                             : "the model repeated itself";
  return fmt::format("Page {} is incomplete: {}", page.number, reason);
}

}  // namespace lectern
