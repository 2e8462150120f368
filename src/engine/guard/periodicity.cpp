#include "engine/guard/periodicity.h"

#include <algorithm>

namespace lectern {
namespace {

// One in eight symbols of a loop may differ. A pair of symbols that was not there lately speaks against any loop: the
// texts of honest rows differ in new words, the variants of a loop come back.
constexpr int32_t fall = 7;
constexpr int32_t fall_when_new = 40;

}  // namespace

void Periodicity::push(int32_t symbol) {
  const auto now = static_cast<int32_t>(past_.size()) - max_lag;
  const int32_t* const past = past_.data() + now;
  PerLag agrees;
  int32_t known = 0;
  for (size_t i = 0; i < max_lag; ++i) {
    agrees[i] = past[i] == symbol ? 1 : 0;
    known |= agrees[i] & agreed_[i];
  }
  const int32_t down = known != 0 ? fall : fall_when_new;
  int32_t best = 0;
  for (size_t i = 0; i < max_lag; ++i) {
    start_[i] = score_[i] == 0 ? now : start_[i];
    score_[i] = agrees[i] != 0 ? score_[i] + 1 : std::max(0, score_[i] - down);
    best = std::max(best, score_[i]);
  }
  agreed_ = agrees;
  best_score_ = best;
  if (nothing_new_.score == 0) nothing_new_.start = now;
  nothing_new_.score = known != 0 ? nothing_new_.score + 1 : std::max(0, nothing_new_.score - fall_when_new);
  past_.push_back(symbol);
}

Periodicity::Peak Periodicity::best() const {
  const auto at = static_cast<size_t>(std::max_element(score_.rbegin(), score_.rend()) - score_.rbegin());
  return {static_cast<int>(at) + 1, score_[max_lag - 1 - at], start_[max_lag - 1 - at]};
}

}  // namespace lectern
