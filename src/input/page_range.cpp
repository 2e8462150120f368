#include "input/page_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
PageRange parse_page_range(std::string_view text) {
  PageRange range{std::string(text), {}};
  if (trimmed(text).empty()) return range;
  const auto refuse = [&](const std::string& why) { return Error(fmt::format("`pages` {}: {}", text, why)); };
  const auto number = [&](std::string_view digits) {
    int value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure == std::errc::result_out_of_range) throw refuse(fmt::format("{} is too large", digits));
    if (digits.starts_with('-') || failure != std::errc() || end != digits.data() + digits.size()) {
      throw refuse(fmt::format("'{}' is no page number; expected a list as in 1-3,8,12-", digits));
    }
    if (value == 0) throw refuse("pages are counted from 1");
    return value;
  };
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view part = trimmed(rest.substr(0, comma));
    const size_t dash = part.find('-');
    if (part.empty() || part == "-") throw refuse("a page is missing; expected a list as in 1-3,8,12-");
    PageRange::Part pages;
    if (dash == std::string_view::npos) {
      pages.first = pages.last = number(part);
    } else {
      const std::string_view first = trimmed(part.substr(0, dash)), last = trimmed(part.substr(dash + 1));
      if (!first.empty()) pages.first = number(first);
      if (!last.empty()) pages.last = number(last);
      if (pages.last != 0 && pages.last < pages.first) {
        throw refuse(fmt::format("{} runs backwards; expected {}-{}", part, pages.last, pages.first));
      }
    }
    range.parts.push_back(pages);
    if (comma == std::string_view::npos) return range;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<int> pages_in(const PageRange& range, int pages) {
  std::vector<bool> wanted(static_cast<size_t>(pages), range.parts.empty());
  for (const PageRange::Part& part : range.parts) {
    const int last = part.last == 0 ? pages : part.last;
    if (part.first > pages || last > pages) {
      throw Error(fmt::format("`pages` {}: there is no page {}; the file has {} page{}", range.text,
                              part.first > pages ? part.first : last, pages, pages == 1 ? "" : "s"));
    }
    std::fill(wanted.begin() + part.first - 1, wanted.begin() + last, true);
  }
  std::vector<int> indices;
  for (int i = 0; i < pages; ++i) {
    if (wanted[static_cast<size_t>(i)]) indices.push_back(i);
  }
  return indices;
}

}  // namespace lectern
