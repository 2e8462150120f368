#include "output/page_note.h"

#include <fmt/format.h>

#include <algorithm>

#include "layout/markup.h"

namespace lectern {
namespace {

std::string one_line(const std::string& text) {
  std::string line = valid_utf8(text);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

}  // namespace

bool is_incomplete(const Page& page) {
  return page.finish == Finish::length || page.finish == Finish::context || page.finish == Finish::stopped ||
         page.finish == Finish::loop || (page.guard.loops > 0 && !page.guard.recovered);
}

std::string page_note(const Page& page) {
  if (!page.error.empty() || page.finish == Finish::failed) {
    return fmt::format("Page {} could not be read: {}", page.number,
                       one_line(page.error.empty() ? "unknown reason" : page.error));
  }
  if (!is_incomplete(page)) {
    const auto loss = std::ranges::find_if(page.warnings, [](const Warning& warning) {
      return warning.code == WarningCode::damaged_input || warning.code == WarningCode::not_read ||
             warning.code == WarningCode::nothing_read;
    });
    if (loss == page.warnings.end()) return "";
    return fmt::format("Page {} may be incomplete: {}", page.number, one_line(loss->message));
  }
  const std::string_view reason = page.finish == Finish::length    ? "it was cut short at the limit of tokens"
                                  : page.finish == Finish::context ? "it was cut short where the model's context ended"
                                  : page.finish == Finish::stopped ? "reading was interrupted"
                                                                   : "the model repeated itself";
  return fmt::format("Page {} is incomplete: {}", page.number, reason);
}

}  // namespace lectern
