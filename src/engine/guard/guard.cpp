#include "engine/guard/guard.h"

#include <algorithm>

namespace lectern {
namespace {

constexpr int64_t reentry = 16;         // symbols of the pattern in a row: the text is in the loop again
constexpr int64_t escape_length = 512;  // tokens behind the cut in which that is forbidden, and nothing settles

// Whether the symbol behind `tail`, in a text that repeats the pattern, would be the one at `phase`.
bool leads_to(std::span<const int32_t> tail, std::span<const int32_t> pattern, size_t phase) {
  for (size_t i = tail.size(); i-- > 0;) {
    phase = phase == 0 ? pattern.size() - 1 : phase - 1;
    if (tail[i] != pattern[phase]) return false;
  }
  return true;
}

}  // namespace

void SequenceGuard::ban_symbol(int32_t symbol, std::vector<int32_t>& banned) const {
  if (symbol == RepetitionDetector::number_symbol) {
    const std::vector<int32_t>& digits = guard_.classes->digits();
    banned.insert(banned.end(), digits.begin(), digits.end());
  } else {
    banned.push_back(symbol);
  }
}

void SequenceGuard::ban(std::vector<int32_t>& banned) const {
  for (const Escape& escape : escapes_) {
    if (detector_.tokens() == escape.cut) ban_symbol(escape.first, banned);
    if (escape.pattern.empty() || detector_.tokens() > escape.cut + escape_length) continue;
    const std::vector<int32_t> tail = detector_.last_symbols(static_cast<size_t>(reentry));
    if (static_cast<int64_t>(tail.size()) < reentry) continue;
    for (size_t phase = 0; phase < escape.pattern.size(); ++phase) {
      if (leads_to(tail, escape.pattern, phase)) ban_symbol(escape.pattern[phase], banned);
    }
  }
}

std::optional<Loop> SequenceGuard::push(int32_t token, bool last) {
  detector_.push(token);
  if (detector_.loop()) return detector_.loop();
  if (!escapes_.empty()) {
    // With one token banned here and there a loop need not have a period any more.
    const int64_t since = detector_.tokens() - escapes_.back().cut;
    if ((last || since % escape_length == 0) && since >= reentry && is_known(escapes_.back().cut, detector_.tokens()))
      return Loop{escapes_.back().cut, 0, LoopKind::stale};
  }
  return last ? detector_.loop_when_cut() : std::nullopt;
}

bool SequenceGuard::is_known(int64_t from, int64_t to) const {
  const std::vector<int64_t> text = detector_.pairs(from, to);
  const std::vector<int64_t>& dropped = escapes_.back().pairs;
  const auto known =
      std::ranges::count_if(text, [&](int64_t pair) { return std::ranges::binary_search(dropped, pair); });
  return known * 4 >= static_cast<int64_t>(text.size()) * 3;
}

int64_t SequenceGuard::committed() const {
  const int64_t committed = detector_.committed();
  if (escapes_.empty() || committed <= escapes_.back().cut) return committed;
  const int64_t cut = escapes_.back().cut;
  const int64_t end = detector_.tokens();
  return end <= cut + escape_length || is_known(end - escape_length, end) ? cut : committed;
}

int64_t SequenceGuard::cut_for(const Loop& loop) const {
  if (escapes_.empty() || loop.begin <= escapes_.back().cut) return loop.begin;
  return is_known(escapes_.back().cut, loop.begin) ? escapes_.back().cut : loop.begin;
}

bool SequenceGuard::cut_off(std::span<const int32_t> written, const Loop& loop, int64_t cut) {
  const auto kept = static_cast<size_t>(cut);
  const bool retry = static_cast<int>(escapes_.size()) < guard_.retries && kept < written.size();
  if (retry) {
    const bool digits = guard_.classes->of(written[kept]).digits;
    std::vector<int64_t> pairs = detector_.pairs(cut, detector_.tokens());
    std::ranges::sort(pairs);
    escapes_.push_back(
        {detector_.pattern(loop), cut, digits ? RepetitionDetector::number_symbol : written[kept], std::move(pairs)});
  }
  detector_ = RepetitionDetector(*guard_.classes, guard_.limits);
  for (const int32_t id : written.first(kept)) detector_.push(id);
  return retry;
}

}  // namespace lectern
