#include "engine/sampling.h"

#include <algorithm>
#include <cmath>

namespace lectern {

std::vector<int32_t> banned_tokens(std::span<const int32_t> ids, const NoRepeatRule& rule) {
  const auto n = static_cast<size_t>(rule.n);
  std::vector<int32_t> banned;
  if (rule.n <= 0 || ids.size() < n) return banned;
  const auto prefix = ids.last(n - 1);
  const size_t window = static_cast<size_t>(std::max(0, rule.window));
  for (size_t start = ids.size() > window ? ids.size() - window : 0; start + n <= ids.size(); ++start) {
    const int32_t next = ids[start + n - 1];
    if (std::ranges::equal(ids.subspan(start, n - 1), prefix) &&
        std::ranges::find(rule.allowed, next) == rule.allowed.end()) {
      banned.push_back(next);
    }
  }
  return banned;
}

int32_t largest_logit(std::span<const float> logits, std::span<const int32_t> banned) {
  int32_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (std::isnan(logits[i]) || (best >= 0 && !(logits[i] > logits[static_cast<size_t>(best)]))) continue;
    if (std::ranges::find(banned, id) == banned.end()) best = id;
  }
  return best;
}

}  // namespace lectern
