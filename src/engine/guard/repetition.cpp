#include "engine/guard/repetition.h"

#include <algorithm>
#include <limits>

namespace lectern {
namespace {

constexpr int symbols_between_looks = 8;
constexpr int suspicious = 32;  // a score with which a loop may have begun
constexpr int64_t settling =
    suspicious + 2 * symbols_between_looks;  // symbols after which suspicion would have come up
constexpr int64_t settled_line = 150;        // symbols; a longer line without anything new may be a loop
constexpr int max_number_tokens = 16;        // tokens; a longer run of digits is several numbers
constexpr int64_t max_number = 1'000'000'000'000'000;
constexpr int64_t never = std::numeric_limits<int64_t>::max();
constexpr int periods_compared = 12;  // at most, of the numbers of a run

}  // namespace

std::string_view name_of(LoopKind kind) {
  switch (kind) {
    case LoopKind::same: return "same";
    case LoopKind::counter: return "counter";
    case LoopKind::boxes: return "boxes";
    case LoopKind::numbers: return "numbers";
    case LoopKind::stale: return "stale";
  }
  return "?";
}

void RepetitionDetector::push(int32_t token) {
  const TokenClass kind = classes_->of(token);
  const auto at = static_cast<int32_t>(tokens_++);
  if (kind.digits) {
    if (!number_) number_ = Symbol{.id = number_symbol, .token = at, .in_box = in_box_};
    for (const char digit : classes_->bytes_of(token)) {
      if (number_->value < max_number) number_->value = number_->value * 10 + (digit - '0');
    }
    if (++digits_ == max_number_tokens) close_number();
    return;
  }
  close_number();
  if (classes_->begins_boxes(token)) in_box_ = true;
  if (classes_->ends_boxes(token) || kind.line_end) in_box_ = false;
  add({.id = token, .token = at, .letters = kind.letters, .in_box = in_box_, .line_end = kind.line_end});
}

void RepetitionDetector::close_number() {
  if (!number_) return;
  const Symbol number = *number_;
  number_.reset();
  digits_ = 0;
  add(number);
}

// Numbers get symbols of their own below number_symbol; few of them meet.
int32_t RepetitionDetector::same_symbol(const Symbol& symbol) {
  return symbol.id == number_symbol ? static_cast<int32_t>(-2 - symbol.value % 2'000'000'011) : symbol.id;
}

void RepetitionDetector::add(const Symbol& symbol) {
  symbols_.push_back(symbol);
  alike_.push(symbol.id);
  same_.push(same_symbol(symbol));
  if (symbol.line_end) line_begin_ = static_cast<int64_t>(symbols_.size());
  if (symbols_.size() % symbols_between_looks == 0) look();
}

std::span<const RepetitionDetector::Symbol> RepetitionDetector::period(const Periodicity::Peak& peak) const {
  const std::span<const Symbol> behind = std::span(symbols_).subspan(static_cast<size_t>(peak.start));
  return behind.first(std::min(behind.size(), static_cast<size_t>(peak.lag == 0 ? max_lag : peak.lag)));
}

bool RepetitionDetector::is_rich(const Periodicity::Peak& peak) const {
  std::vector<int32_t> words;
  for (const Symbol& symbol : period(peak)) {
    if (symbol.letters && std::ranges::find(words, symbol.id) == words.end()) words.push_back(symbol.id);
    if (static_cast<int>(words.size()) == limits_.words_of_rich) return true;
  }
  return false;
}

RepetitionDetector::Judgement RepetitionDetector::judge_same(const Periodicity::Peak& peak) const {
  const int64_t repeats = int64_t{limits_.repeats} * peak.lag;
  if (std::ranges::any_of(period(peak), [](const Symbol& s) { return s.in_box && s.id == number_symbol; }))
    return {LoopKind::same, std::max<int64_t>(limits_.same_box, repeats)};
  if (is_rich(peak)) return {LoopKind::same, std::max<int64_t>(limits_.rich, repeats)};
  const bool unbroken = static_cast<int64_t>(symbols_.size()) - line_begin_ > limits_.unbroken;
  return {LoopKind::same, std::max<int64_t>(unbroken ? limits_.unbroken : limits_.poor, repeats)};
}

RepetitionDetector::Judgement RepetitionDetector::judge_alike(const Periodicity::Peak& peak) const {
  const auto lag = static_cast<int64_t>(peak.lag);
  const auto end = static_cast<int64_t>(symbols_.size());
  const auto number = [&](int64_t i) {
    const Symbol& symbol = symbols_[static_cast<size_t>(i)];
    return symbol.id == number_symbol ? &symbol : nullptr;
  };
  int64_t steady = 0, unsteady = 0;
  bool boxes = false;
  for (int64_t i = std::max(peak.start + lag, end - periods_compared * lag); i < end; ++i) {
    const Symbol* const now = number(i);
    const Symbol* const before = number(i - lag);
    const Symbol* const long_before = i >= 2 * lag ? number(i - 2 * lag) : nullptr;
    if (now == nullptr || before == nullptr || long_before == nullptr) continue;
    if (now->in_box) {
      boxes = true;
    } else {
      ++(now->value - before->value == before->value - long_before->value ? steady : unsteady);
    }
  }
  const int64_t repeats = limits_.repeats * lag;
  const bool rich = is_rich(peak);
  if (unsteady * 8 > steady) {
    if (!rich) return {LoopKind::numbers, never};
    return {LoopKind::numbers, std::max<int64_t>(limits_.numbers, limits_.lines_of_numbers * lag)};
  }
  if (boxes) return {LoopKind::boxes, std::max<int64_t>(limits_.boxes, repeats)};
  return {LoopKind::counter, std::max<int64_t>(rich ? limits_.counter : limits_.poor, repeats)};
}

RepetitionDetector::Judgement RepetitionDetector::judge_stale(const Periodicity::Peak& peak) const {
  if (is_rich(peak)) return {LoopKind::stale, limits_.stale};
  // What began before the line is no evidence.
  const int64_t before = std::max<int64_t>(0, line_begin_ - peak.start);
  const int64_t line = static_cast<int64_t>(symbols_.size()) - line_begin_;
  return {LoopKind::stale, line >= settled_line ? limits_.unbroken_stale + before : never};
}

Loop RepetitionDetector::loop_of(const Periodicity::Peak& peak, LoopKind kind) const {
  const int64_t begin = symbols_[static_cast<size_t>(peak.start)].token;
  const int64_t period = peak.lag == 0 ? 0 : begin - symbols_[static_cast<size_t>(peak.start - peak.lag)].token;
  return {begin, period, kind};
}

std::optional<Loop> RepetitionDetector::find(int64_t parts) const {
  if (same_.best_score() >= suspicious) {
    const Periodicity::Peak peak = same_.best();
    if (peak.score >= judge_same(peak).needed / parts) return loop_of(peak, LoopKind::same);
  }
  if (alike_.best_score() >= suspicious) {
    const Periodicity::Peak peak = alike_.best();
    const Judgement judgement = judge_alike(peak);
    if (judgement.needed != never && peak.score >= judgement.needed / parts) return loop_of(peak, judgement.kind);
  }
  if (same_.nothing_new().score >= suspicious) {
    const Periodicity::Peak peak = same_.nothing_new();
    const Judgement judgement = judge_stale(peak);
    if (judgement.needed != never && peak.score >= judgement.needed / parts) return loop_of(peak, LoopKind::stale);
  }
  return std::nullopt;
}

void RepetitionDetector::look() {
  loop_ = find(1);
  int64_t committed = std::max<int64_t>(0, static_cast<int64_t>(symbols_.size()) - settling);
  if (same_.best_score() >= suspicious) committed = std::min(committed, same_.best().start);
  if (alike_.best_score() >= suspicious) {
    const Periodicity::Peak peak = alike_.best();
    if (judge_alike(peak).needed != never) committed = std::min(committed, peak.start);
  }
  const Periodicity::Peak peak = same_.nothing_new();
  if (peak.score >= suspicious && judge_stale(peak).needed != never) committed = std::min(committed, peak.start);
  committed_ = std::max<int64_t>(committed_, symbols_[static_cast<size_t>(committed)].token);
}

std::optional<Loop> RepetitionDetector::loop_when_cut() const { return symbols_.empty() ? std::nullopt : find(2); }

std::vector<int32_t> RepetitionDetector::pattern(const Loop& loop) const {
  std::vector<int32_t> ids;
  for (const Symbol& symbol : symbols_) {
    if (symbol.token >= loop.begin - loop.period && symbol.token < loop.begin) ids.push_back(symbol.id);
  }
  return ids;
}

std::vector<int64_t> RepetitionDetector::pairs(int64_t from, int64_t to) const {
  std::vector<int64_t> values;
  const auto first = std::ranges::lower_bound(symbols_, from, {}, &Symbol::token);
  for (auto i = first; i != symbols_.end() && i->token < to; ++i) {
    if (i != first) values.push_back(int64_t{same_symbol(*(i - 1))} << 32 | static_cast<uint32_t>(same_symbol(*i)));
  }
  return values;
}

std::vector<int32_t> RepetitionDetector::last_symbols(size_t count) const {
  std::vector<int32_t> ids;
  const size_t whole = std::min(symbols_.size(), count - (number_ ? 1 : 0));
  for (size_t i = symbols_.size() - whole; i < symbols_.size(); ++i) ids.push_back(symbols_[i].id);
  if (number_) ids.push_back(number_symbol);
  return ids;
}

}  // namespace lectern
