// Ranking of scores: which of two comes first in argmax, top_k and the choice of experts.
#pragma once

#include <cmath>
#include <cstdint>

namespace lectern {

// Whether scores[a] ranks before scores[b]: the higher does, of equal ones that with the lower index. What is not a
// number ranks last, so that this is an order whatever the scores are.
inline bool ranks_before(const float* scores, int64_t a, int64_t b) {
  const bool a_counts = !std::isnan(scores[a]);
  const bool b_counts = !std::isnan(scores[b]);
  if (a_counts != b_counts) return a_counts;
  return a_counts && scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
}

}  // namespace lectern
