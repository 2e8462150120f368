#include "reading/retry/page_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "layout/layout.h"
#include "layout/layout_tags.h"

namespace lectern {
namespace {

constexpr int min_height = 96;      // of a page that is cut: two lines of text
constexpr int noticeable = 24;      // difference of neighbouring pixels that is no noise
constexpr double tolerance = 0.02;  // of the row with most on it: what a gap may hold, specks and vertical rules

// How often brightness changes along a row: little in a gap whatever its shade.
std::vector<int> changes_in_rows(const Picture& page, int top, int bottom) {
  std::vector<int> changes;
  for (int y = top; y < bottom; ++y) {
    const uint8_t* const row = page.row(y);
    const auto luma = [&](int x) { return (row[3 * x] * 77 + row[3 * x + 1] * 150 + row[3 * x + 2] * 29) >> 8; };
    int count = 0;
    for (int x = 1; x < page.width; ++x) count += std::abs(luma(x) - luma(x - 1)) > noticeable ? 1 : 0;
    changes.push_back(count);
  }
  return changes;
}

std::ptrdiff_t badness(Finish finish) {
  constexpr std::array worse_and_worse = {Finish::blank,   Finish::end,      Finish::stop_string,
                                          Finish::length,  Finish::context,  Finish::loop,
                                          Finish::stopped, Finish::deadline, Finish::failed};
  return std::ranges::find(worse_and_worse, finish) - worse_and_worse.begin();
}

}  // namespace

int split_row(const Picture& page) {
  if (page.height < min_height || page.width < 2) return 0;
  const int top = page.height / 3;
  const int bottom = page.height - top;
  const std::vector<int> changes = changes_in_rows(page, top, bottom);
  const auto [least, most] = std::ranges::minmax(changes);
  const int limit = least + static_cast<int>(tolerance * (most - least));
  const double middle = page.height / 2.0;
  int best = page.height / 2;
  double best_value = -1;
  for (int begin = top; begin < bottom;) {
    int end = begin;
    while (end < bottom && changes[static_cast<size_t>(end - top)] <= limit) ++end;
    if (end > begin) {
      const int row = std::clamp(page.height / 2, begin + (end - begin) / 4, end - (end - begin + 3) / 4);
      // A gap counts less the farther away it is: none at the edge of the middle third.
      const double value = (end - begin) * (1 - std::abs(row - middle) / (page.height / 6.0 + 1));
      if (value > best_value) {
        best_value = value;
        best = row;
      }
    }
    begin = std::max(end, begin + 1);
  }
  return best;
}

void append_part(Page& page, const Page& part, const Box& place) {
  const auto move_box = [&](const Box& box) {
    return Box{box.left + place.left, box.top + place.top, std::min<double>(box.right + place.left, page.width),
               std::min<double>(box.bottom + place.top, page.height)};
  };
  const auto move_raw = [&](std::array<int, 4> raw) {
    for (const size_t i : {0, 1, 2, 3}) {
      const bool x = i % 2 == 0;
      const double offset = x ? place.left : place.top, of_part = x ? part.width : part.height;
      const double of_page = x ? page.width : page.height;
      raw[i] = static_cast<int>(
          std::lround((offset * double{layout_scale} + static_cast<double>(raw[i]) * of_part) / of_page));
    }
    return raw;
  };
  for (Block block : part.blocks) {
    std::ranges::transform(block.boxes, block.boxes.begin(), move_box);
    std::ranges::transform(block.raw_boxes, block.raw_boxes.begin(), move_raw);
    for (TextSpan& span : block.spans) {
      std::ranges::transform(span.boxes, span.boxes.begin(), move_box);
      std::ranges::transform(span.raw_boxes, span.raw_boxes.begin(), move_raw);
    }
    page.blocks.push_back(std::move(block));
  }
  for (Warning warning : part.warnings) {
    if (warning.box) warning.box = move_box(*warning.box);
    page.warnings.push_back(std::move(warning));
  }
  if (!page.raw.empty() && !part.raw.empty() && !page.raw.ends_with('\n')) page.raw += "\n";
  const std::string raw = with_moved_boxes(part.raw, move_raw);  // the text can be converted again
  // Ends of tokens say nothing where the text is not what the model wrote.
  if (raw.size() == part.raw.size() && page.token_ends.size() == page.token_logprobs.size()) {
    for (const size_t end : part.token_ends) page.token_ends.push_back(page.raw.size() + end);
  } else {
    page.token_ends.clear();
  }
  page.raw += raw;
  page.token_logprobs.insert(page.token_logprobs.end(), part.token_logprobs.begin(), part.token_logprobs.end());
  if (!page.finish || (part.finish && badness(*part.finish) > badness(*page.finish))) page.finish = part.finish;
  if (page.error.empty() && !part.error.empty()) {
    page.error = part.error;
    page.error_code = part.error_code;
  }
  page.stats += part.stats;
  page.guard.loops += part.guard.loops;
  page.guard.dropped += part.guard.dropped;
  if (part.mode) page.mode = part.mode;
}

}  // namespace lectern
