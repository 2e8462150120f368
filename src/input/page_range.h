// What --pages takes: "3", "1-3", "12-" (to the end), "-4" (from the first), and lists of these: "1-3,8,12-".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern {

struct PageRange {
  struct Part {
    int first = 1;  // from 1
    int last = 0;   // inclusive; 0: the last page
  };
  std::string text;         // as typed
  std::vector<Part> parts;  // none: all pages
};

// Throws Error for what is no such list. An empty text stands for all pages.
PageRange parse_page_range(std::string_view text);

// Indices from 0 of a file of so many pages, ascending, each once. Throws Error when a page lies beyond the end.
std::vector<int> pages_in(const PageRange& range, int pages);

}  // namespace lectern
