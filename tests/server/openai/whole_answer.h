// Answers of several pages.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "layout/raw_pages.h"
#include "server/openai/answer_form.h"

namespace lectern::testing {

// Of pages that were read one by one.
inline server::WholeAnswer whole_of(std::vector<server::PageAnswer> pages) {
  server::WholeAnswer whole;
  for (const server::PageAnswer& page : pages) {
    if (!whole.text.empty()) whole.text += page_split;
    whole.text += page.text;
  }
  whole.pages = std::move(pages);
  return whole;
}

}  // namespace lectern::testing
