#include "reading/page_retry.h"

#include <utility>

#include "core/log.h"
#include "reading/halves.h"

namespace lectern {
namespace {

bool is_given_up(const DocumentPage& page) {
  return !page.error.empty() || page.finish == Finish::stopped || page.finish == Finish::deadline;
}

// It came to its end, or else got farther.
bool is_better(const DocumentPage& again, const DocumentPage& before) {
  return again.finish == Finish::end || (!is_given_up(again) && again.stats.tokens > before.stats.tokens);
}

}  // namespace

std::optional<RetryPlan> next_retry(int attempt, const ViewPlan& used, int native_size, const Picture& page) {
  const bool tiles = native_size == published_size;
  const ViewPlan plan = tiles ? plan_of(Mode::gundam, native_size) : used;
  std::vector<RetryPlan> retries;
  if (tiles && used.mode != Mode::gundam) retries.push_back({Retry::tiles, plan, {{0, page.height}}});
  if (const int row = split_row(page); row > 0)
    retries.push_back({Retry::halves, plan, {{0, row}, {row, page.height}}});
  if (attempt < 0 || static_cast<size_t>(attempt) >= retries.size()) return std::nullopt;
  return std::move(retries[static_cast<size_t>(attempt)]);
}

DocumentPage better_of(DocumentPage before, DocumentPage again, Retry action) {
  const int loops = before.guard.loops + again.guard.loops;
  const int64_t dropped = before.guard.dropped + again.guard.dropped;
  const bool ended = again.finish == Finish::end;
  const bool take = is_better(again, before);
  const double encode = before.stats.encode_seconds + again.stats.encode_seconds;
  const double prefill = before.stats.prefill_seconds + again.stats.prefill_seconds;
  const double decode = before.stats.decode_seconds + again.stats.decode_seconds;
  DocumentPage page = take ? std::move(again) : std::move(before);
  page.guard = {.loops = loops, .recovered = ended, .action = action, .dropped = dropped};
  page.stats.encode_seconds = encode;
  page.stats.prefill_seconds = prefill;
  page.stats.decode_seconds = decode;
  return page;
}

PageAttempts::PageAttempts(DocumentPage page, std::shared_ptr<const Picture> picture, const ViewPlan& plan,
                           int native_size, bool may_retry)
    : known_(std::move(page)),
      picture_(std::move(picture)),
      first_plan_(plan),
      native_size_(native_size),
      may_retry_(may_retry) {}

DocumentPage PageAttempts::part() const {
  if (!retry_) return known_;
  DocumentPage part;
  part.number = known_.number;
  part.width = part_picture_.width;
  part.height = part_picture_.height;
  return part;
}

void PageAttempts::begin_part() {
  const PagePart& rows = retry_->parts[next_part_];
  part_picture_ = crop_rows(*picture_, rows.top, rows.bottom);
}

bool PageAttempts::take(DocumentPage part) {
  if (!retry_) {
    best_ = std::move(part);
  } else {
    const bool given_up = is_given_up(part);
    append_part(again_, part, retry_->parts[next_part_].top);
    if (++next_part_ < retry_->parts.size() && !given_up) {
      begin_part();
      return true;
    }
    last_is_best_ = is_better(again_, best_);
    best_ = better_of(std::move(best_), std::move(again_), retry_->action);
    if (given_up) return false;
  }
  if (best_.finish != Finish::loop || !may_retry_) return false;
  std::optional<RetryPlan> retry = next_retry(attempts_++, first_plan_, native_size_, *picture_);
  if (!retry) return false;
  retry_ = std::move(retry);
  log_info("page.read_again",
           {{"page", known_.number}, {"as", name_of(retry_->action)}, {"because", "its text went in a loop"}});
  next_part_ = 0;
  again_ = known_;
  begin_part();
  return true;
}

}  // namespace lectern
