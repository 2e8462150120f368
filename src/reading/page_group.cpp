#include "reading/page_group.h"

#include <fmt/format.h>

#include <algorithm>

#include "layout/layout.h"
#include "layout/raw_pages.h"

namespace lectern {
namespace {

// The tokens that end within a part of the text.
void take_tokens(const Page& whole, const RawPart& part, Page& page) {
  if (whole.token_ends.size() != whole.token_logprobs.size()) return;
  size_t begin = 0;
  for (size_t i = 0; i < whole.token_ends.size(); ++i) {
    const size_t end = whole.token_ends[i];
    if (end > part.begin && begin < part.end) {
      page.token_logprobs.push_back(whole.token_logprobs[i]);
      page.token_ends.push_back(std::min(end, part.end) - part.begin);
    }
    begin = end;
  }
  page.stats.tokens = static_cast<int64_t>(page.token_ends.size());
}

}  // namespace

std::vector<Page> part_pages(const Page& whole, std::vector<Page> pages) {
  const std::vector<RawPart> parts = raw_parts(whole.raw, pages.size());
  const size_t written = std::min(parts.size(), pages.size());
  for (size_t i = 0; i < pages.size(); ++i) {
    Page& page = pages[i];
    page.mode = whole.mode;
    page.finish = i + 1 < written ? Finish::end : whole.finish;
    if (i >= written) {
      page.warnings.push_back({WarningCode::nothing_read,
                               fmt::format("nothing was written of this page: of {} pages together the model wrote {}",
                                           pages.size(), parts.size()),
                               std::nullopt});
      continue;
    }
    RawPart part = parts[i];
    if (i + 1 == pages.size()) part.end = parts.back().end;
    page.raw = whole.raw.substr(part.begin, part.end - part.begin);
    take_tokens(whole, part, page);
    lay_out(page);
  }
  PageStats& first = pages.front().stats;
  const double render = first.render_seconds;
  first = whole.stats;
  first.render_seconds = render;
  for (size_t i = 1; i < pages.size(); ++i) first.tokens -= pages[i].stats.tokens;
  Page& last = pages[std::max<size_t>(written, 1) - 1];
  last.guard = whole.guard;
  if (parts.size() > pages.size()) {
    last.warnings.push_back({WarningCode::malformed_tag,
                             fmt::format("the model wrote {} pages where there are {}; the text of the others is here",
                                         parts.size(), pages.size()),
                             std::nullopt});
  }
  return pages;
}

}  // namespace lectern
