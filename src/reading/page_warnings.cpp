#include "reading/page_warnings.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/confidence.h"
#include "image/ink.h"

namespace lectern {
namespace {

constexpr double doubtful = 0.5;  // confidence of a page: half of its words are expected to be wrong

std::optional<double> confidence_of(const Page& page) {
  double sum = 0;
  size_t words = 0;
  for (const Block& block : page.blocks) {
    if (!block.confidence) continue;
    size_t of_block = 0;
    for (const PageLine& line : block.lines) of_block += line.words.size();
    if (block.lines.empty()) of_block = count_words(block.text);
    sum += *block.confidence * static_cast<double>(of_block);
    words += of_block;
  }
  if (words == 0) return std::nullopt;
  return sum / static_cast<double>(words);
}

void warn(Page& page, std::optional<Warning> warning) {
  if (warning) page.warnings.push_back(std::move(*warning));
}

void warn_of_missing_text(Page& page, int64_t tokens) {
  if (page.finish == Finish::length || page.finish == Finish::context) {
    warn(page, Warning{WarningCode::cut_short,
                       fmt::format("cut short after {} tokens, {}", tokens,
                                   page.finish == Finish::length ? "the most that was asked for"
                                                                 : "which fill the model's context"),
                       std::nullopt});
  }
  if (page.guard.loops > 0) {
    warn(page, Warning{WarningCode::repetition,
                       fmt::format("the model repeated itself; {} tokens were dropped, {}", page.guard.dropped,
                                   page.guard.recovered ? "and it went on to the end of the page"
                                                        : "and text behind may be missing"),
                       std::nullopt});
  }
}

}  // namespace

void judge(Page& page, const Picture& picture, bool all_text, int64_t tokens) {
  page.confidence = confidence_of(page);
  warn(page, unread_ink(page, picture));
  if (all_text) warn(page, little_read(page, picture));
  if (page.confidence && *page.confidence < doubtful) {
    warn(page,
         Warning{WarningCode::doubtful,
                 fmt::format("the text is likely to be wrong: confidence {:.2f}", *page.confidence), std::nullopt});
  }
  warn_of_missing_text(page, tokens);
}

void warn_of_uncovered_ink(Page& page, const Picture& picture, const std::vector<Box>& covered) {
  for (const Box& box : uncovered_ink(picture, covered)) {
    page.warnings.push_back({WarningCode::uncovered_ink,
                             fmt::format("what looks like text at {:.0f}, {:.0f} .. {:.0f}, {:.0f} is in no block",
                                         box.left, box.top, box.right, box.bottom),
                             box});
  }
}

void warn_of_ink_outside_of_blocks(Page& page, const Picture& picture) {
  std::vector<Box> covered;
  for (const Block& block : page.blocks) {
    if (block.boxes.empty()) return;
    covered.insert(covered.end(), block.boxes.begin(), block.boxes.end());
  }
  warn_of_uncovered_ink(page, picture, covered);
}

}  // namespace lectern
