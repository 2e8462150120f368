#include "engine/sequence.h"

#include <algorithm>

#include "lectern/error.h"

namespace lectern {

Sequence::Sequence(RequestId number, Request made, PagePool& pool, int64_t tokens, int64_t window)
    : id(number),
      request(std::move(made)),
      pages(pool),
      ids(request.prompt),
      budget(tokens),
      image(request.image),
      pool_(pool),
      window_(window) {
  if (!request.forced.empty()) return;
  if (request.guard.classes != nullptr) guard_.emplace(request.guard);
  if (request.stop.tokenizer != nullptr && !request.stop.strings.empty()) stop_.emplace(request.stop);
}

int64_t Sequence::max_pages(const PagePool& pool, const Request& request, int64_t budget, int64_t window) {
  const auto prompt = static_cast<int64_t>(request.prompt.size());
  const int64_t all = pool.pages_for(prompt + budget);
  if (window == 0) return all;
  // The window and what may be gone back begin and end within pages.
  const int64_t kept = request.forced.empty() && request.guard.classes != nullptr ? request.guard.kept : 0;
  return std::min(all, pool.pages_for(prompt) + pool.pages_for(window + kept + 1) + 1);
}

int64_t Sequence::max_pages() const { return max_pages(pool_, request, budget, window_); }

int64_t Sequence::pages_to_start() const {
  return std::min(pool_.pages_for(std::min(static_cast<int64_t>(ids.size()) + 1, max_positions())), max_pages());
}

// The first position behind the prompt that the row at `position` sees.
int64_t Sequence::first_seen(int64_t position) const { return std::max(prompt_tokens(), position - window_ + 1); }

// The guard may set it back to what is committed, but for what is too far back.
void Sequence::retire() {
  if (window_ == 0 || in_prompt()) return;
  const int64_t least = guard_ ? std::max({committed_, written() - request.guard.kept, int64_t{1}}) : written();
  const int64_t from = first_seen(std::min(cached, prompt_tokens() + least - 1));
  pages.retire(prompt_tokens(), from);
  retired_to_ = std::max(retired_to_, from / pool_.page_tokens() * pool_.page_tokens());
  if (writes()) pages.give_back_spare();
}

bool Sequence::reserve(int64_t& rows) {
  retire();
  if (!in_prompt() && rows > 1) rows = std::clamp(pages.reach() - cached, int64_t{1}, rows);
  return pages.reserve(cached + rows);
}

BatchEntry Sequence::entry(int64_t rows) const {
  BatchEntry entry;
  entry.ids = std::span(ids).subspan(static_cast<size_t>(cached), static_cast<size_t>(rows));
  entry.position = cached;
  entry.prompt = prompt_tokens();
  entry.pages = pages.pages();
  entry.chooses = rows == left();
  if (entry.chooses) {
    entry.banned = banned();
    entry.wants_logits = request.logits || request.sampling.temperature > 0;
  }
  if (!in_prompt() || !image) return entry;
  entry.image_token = request.image_token;
  const int64_t before = std::count(ids.begin(), ids.begin() + cached, request.image_token);
  const int64_t image_rows = image.shape[0];
  if (before < image_rows) entry.image = image.slice(before, image_rows - before);
  return entry;
}

// Ids that may not be chosen next, in no order, perhaps more than once.
std::vector<int32_t> Sequence::banned() const {
  std::vector<int32_t> all = banned_tokens(ids, request.no_repeat);
  if (guard_) guard_->ban(all);
  return all;
}

void Sequence::preempt() {
  pages.clear();
  cached = 0;
  retired_to_ = 0;
  lacks_rows_ = false;
}

void Sequence::resize(int64_t tokens) {
  chosen_.resize(static_cast<size_t>(tokens));
  ids.resize(request.prompt.size() + static_cast<size_t>(tokens));
  if (stop_) stop_->resize(tokens);
  // The cache's rows behind the cut are written again, and the last token's too, for its logits.
  cached = std::min(cached, static_cast<int64_t>(ids.size()) - 1);
  lacks_rows_ = first_seen(cached) < retired_to_;
}

// Sets the sequence back to before the loop, but never behind what was told. Whether it may go on.
bool Sequence::cut_off(const Loop& loop, Outcome& outcome) {
  const int64_t cut = std::max({guard_->cut_for(loop), committed_, int64_t{1}});
  const int64_t dropped = written() - cut;
  const bool retried = guard_->cut_off(text(), loop, cut);
  resize(cut);
  outcome.loop = {loop, dropped, retried};
  return retried;
}

Sequence::Outcome Sequence::choose(const NextToken& next, std::span<const int32_t> end_tokens) {
  if (next.id < 0) throw NotANumber();
  Token chosen = {next.id, next.log_probability};
  if (request.sampling.temperature > 0) {
    chosen.id = sample(next.logits, banned(), request.sampling, written());
    // Probabilities differ as the logits do.
    const auto of = [&](int32_t token) { return static_cast<double>(next.logits[static_cast<size_t>(token)]); };
    if (chosen.id != next.id)
      chosen.log_probability = static_cast<float>(next.log_probability + (of(chosen.id) - of(next.id)));
  }
  int32_t token = chosen.id;
  Outcome outcome;
  const bool forced = !request.forced.empty();
  if (!forced && std::ranges::find(end_tokens, token) != end_tokens.end()) {
    outcome.finish = Finish::end;
    return outcome;
  }
  chosen_.push_back(chosen);
  if (forced) token = request.forced[static_cast<size_t>(written())];
  ids.push_back(token);
  if (stop_) {
    if (const auto match = stop_->push(token)) {
      resize(match->tokens);
      outcome.cut_bytes = match->cut_bytes;
      outcome.finish = Finish::stop_string;
      return outcome;
    }
  }
  if (guard_) {
    const bool context_ends = written() == budget && budget != request.max_tokens;
    const std::optional<Loop> loop = guard_->push(token, context_ends);
    if (loop && !cut_off(*loop, outcome)) {
      outcome.finish = Finish::loop;
      return outcome;
    }
  }
  if (written() == budget) {
    outcome.finish = budget == request.max_tokens ? Finish::length : Finish::context;
  } else if (forced && written() == static_cast<int64_t>(request.forced.size())) {
    outcome.finish = Finish::length;
  }
  return outcome;
}

std::vector<Token> Sequence::take_committed(bool all) {
  int64_t count = written();
  if (!all && guard_) count = std::min(count, guard_->committed());
  if (!all && stop_) count = std::min(count, stop_->committed());
  if (count <= committed_) return {};
  std::vector<Token> tokens(chosen_.begin() + committed_, chosen_.begin() + count);
  committed_ = count;
  return tokens;
}

}  // namespace lectern
