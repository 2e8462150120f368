#include "server/openai/answer_form.h"

#include <algorithm>

namespace lectern::server {

bool is_complete(std::string_view finish) { return finish == "end" || finish == "stop_string" || finish == "blank"; }

std::string finish_of(const std::vector<PageAnswer>& pages) {
  const auto cut = std::ranges::find_if(pages, [](const PageAnswer& page) { return !is_complete(page.finish); });
  return cut == pages.end() ? pages.back().finish : cut->finish;
}

}  // namespace lectern::server
