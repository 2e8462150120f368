#include "server/openai/answer_form.h"

#include <algorithm>

#include "layout/raw_pages.h"

namespace lectern::server {

std::string joined_text(const std::vector<PageAnswer>& pages) {
  std::string text;
  for (size_t i = 0; i < pages.size(); ++i) {
    if (i > 0) text += page_split;
    text += pages[i].text;
  }
  return text;
}

bool is_complete(std::string_view finish) { return finish == "end" || finish == "stop_string" || finish == "blank"; }

std::string finish_of(const std::vector<PageAnswer>& pages) {
  const auto cut = std::ranges::find_if(pages, [](const PageAnswer& page) { return !is_complete(page.finish); });
  return cut == pages.end() ? pages.back().finish : cut->finish;
}

}  // namespace lectern::server
