// Choosing the next token: the largest logit, with no n-gram repeated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lectern {

// No n-gram is written twice within the last `window` ids; allowed ids are exempt. n 0 switches it off.
struct NoRepeatRule {
  int n = 30;
  int window = 90;
  std::vector<int32_t> allowed;
};

// The ids that would repeat an n-gram, in no order, perhaps more than once.
std::vector<int32_t> banned_tokens(std::span<const int32_t> ids, const NoRepeatRule& rule);

// The lowest index of the largest logit among those not banned; -1 when no logit is a number.
int32_t largest_logit(std::span<const float> logits, std::span<const int32_t> banned);

}  // namespace lectern
