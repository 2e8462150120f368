#include "reading/retry/page_retry.h"

#include <utility>

#include "core/log.h"
#include "image/picture_encoder.h"
#include "lines/text_parts.h"
#include "reading/retry/page_parts.h"

namespace lectern {
namespace {

bool is_given_up(const Page& page) {
  return !page.error.empty() || page.finish == Finish::stopped || page.finish == Finish::deadline;
}

bool is_whole(const Page& page) { return page.finish == Finish::end || page.finish == Finish::stop_string; }

// It came to its end, or else got farther.
bool is_better(const Page& again, const Page& before) {
  return is_whole(again) || (!is_given_up(again) && again.stats.tokens > before.stats.tokens);
}

}  // namespace

std::optional<RetryPlan> next_retry(int attempt, const ViewPlan& used, const std::optional<ViewPlan>& tiled,
                                    const Picture& page) {
  const ViewPlan plan = tiled.value_or(used);
  const auto width = static_cast<double>(page.width), height = static_cast<double>(page.height);
  if (tiled && !used.crop && attempt-- == 0) return RetryPlan{Retry::tiles, plan, {{0, 0, width, height}}};
  if (const double row = split_row(page); row > 0 && attempt-- == 0)
    return RetryPlan{Retry::halves, plan, {{0, 0, width, row}, {0, row, width, height}}};
  if (attempt != 0) return std::nullopt;
  std::vector<Box> blocks = text_parts(page);
  if (blocks.size() < 2) return std::nullopt;
  return RetryPlan{Retry::blocks, plan, std::move(blocks)};
}

Page better_of(Page before, Page again, Retry action) {
  const int loops = before.guard.loops + again.guard.loops;
  const int64_t dropped = before.guard.dropped + again.guard.dropped;
  const bool ended = is_whole(again);
  const bool take = is_better(again, before);
  const double encode = before.stats.encode_seconds + again.stats.encode_seconds;
  const double prefill = before.stats.prefill_seconds + again.stats.prefill_seconds;
  const double decode = before.stats.decode_seconds + again.stats.decode_seconds;
  Page page = take ? std::move(again) : std::move(before);
  page.guard = {.loops = loops, .recovered = ended, .action = action, .dropped = dropped};
  page.stats.encode_seconds = encode;
  page.stats.prefill_seconds = prefill;
  page.stats.decode_seconds = decode;
  return page;
}

PageAttempts::PageAttempts(Page page, std::shared_ptr<const Picture> picture, const ViewPlan& plan,
                           const std::optional<ViewPlan>& tiled, bool may_retry, bool by_blocks, int64_t max_tokens)
    : known_(std::move(page)),
      picture_(std::move(picture)),
      first_plan_(plan),
      tiled_plan_(tiled),
      may_retry_(may_retry && !by_blocks),
      max_tokens_(max_tokens),
      now_{Retry::none, plan, by_blocks ? text_parts(*picture_) : std::vector<Box>{}},
      again_(known_) {
  if (!now_.parts.empty()) begin_part();
}

Page PageAttempts::part() const {
  if (now_.parts.empty()) return known_;
  Page part;
  part.number = known_.number;
  part.width = part_picture_.width;
  part.height = part_picture_.height;
  return part;
}

int64_t PageAttempts::max_tokens() const { return max_tokens_ > 0 ? max_tokens_ - again_.stats.tokens : 0; }

// The text of a page ends where that of a part is cut, and where its tokens are used up.
bool PageAttempts::goes_on(const Page& part) {
  if (++next_part_ == now_.parts.size()) return false;
  if (is_given_up(part) || part.finish == Finish::stop_string || part.finish == Finish::length) return false;
  if (max_tokens_ == 0 || again_.stats.tokens < max_tokens_) return true;
  if (again_.finish == Finish::end) again_.finish = Finish::length;
  return false;
}

void PageAttempts::begin_part() { part_picture_ = crop(*picture_, now_.parts[next_part_]); }

bool PageAttempts::take(Page part) {
  const bool given_up = is_given_up(part);
  if (now_.parts.empty()) {
    again_ = std::move(part);
  } else {
    append_part(again_, part, now_.parts[next_part_]);
    if (goes_on(part)) {
      begin_part();
      return true;
    }
  }
  last_is_best_ = is_first() || is_better(again_, best_);
  if (last_is_best_) best_parts_ = now_.parts;
  best_ = is_first() ? std::move(again_) : better_of(std::move(best_), std::move(again_), now_.action);
  if ((given_up && !is_first()) || best_.finish != Finish::loop || !may_retry_) return false;
  std::optional<RetryPlan> next = next_retry(attempts_, first_plan_, tiled_plan_, *picture_);
  if (!next) return false;
  ++attempts_;
  now_ = std::move(*next);
  log_info("page.read_again",
           {{"page", known_.number}, {"as", name_of(now_.action)}, {"because", "its text went in a loop"}});
  next_part_ = 0;
  again_ = known_;
  begin_part();
  return true;
}

}  // namespace lectern
