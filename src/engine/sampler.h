// Sampling of the next token from its logits, greedy or drawn, without repeated n-grams.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lectern {

struct Sampling {
  float temperature = 0;  // 0: greedy
  float top_p = 1;        // draw from the likeliest tokens that together have this probability
  uint64_t seed = 0;      // the same seed draws the same tokens
};

// No n-gram is written twice within the last `window` ids; allowed ids are exempt. n 0 switches it off.
struct NoRepeatRule {
  int n = 30;
  int window = 90;
  std::vector<int32_t> allowed;
};

// The ids that would repeat an n-gram, unsorted, possibly with duplicates.
std::vector<int32_t> banned_tokens(std::span<const int32_t> ids, const NoRepeatRule& rule);

// The lowest index of the largest logit among those not banned; -1 when no logit is a number.
int32_t argmax_token(std::span<const float> logits, std::span<const int32_t> banned);

// Samples token number `index` of a sequence among those not banned; -1 when no logit is a number. The result depends
// on the arguments alone.
int32_t sample(std::span<const float> logits, std::span<const int32_t> banned, const Sampling& sampling, int64_t index);

}  // namespace lectern
