#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lectern {
namespace {

// Uniform in [0, 1): splitmix64 of the seed and the token's number.
double uniform(uint64_t seed, int64_t index) {
  uint64_t x = seed + (static_cast<uint64_t>(index) + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

}  // namespace

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

int32_t argmax_token(std::span<const float> logits, std::span<const int32_t> banned) {
  int32_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (std::isnan(logits[i]) || (best >= 0 && !(logits[i] > logits[static_cast<size_t>(best)]))) continue;
    if (std::ranges::find(banned, id) == banned.end()) best = id;
  }
  return best;
}

int32_t sample(std::span<const float> logits, std::span<const int32_t> banned, const Sampling& sampling,
               int64_t index) {
  const int32_t best = argmax_token(logits, banned);
  if (best < 0 || !(sampling.temperature > 0)) return best;
  const float largest = logits[static_cast<size_t>(best)];
  if (std::isinf(largest)) return best;
  std::vector<std::pair<double, int32_t>> choices;  // weight, id
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (std::isnan(logits[i]) || std::ranges::find(banned, id) != banned.end()) continue;
    const double weight = std::exp((static_cast<double>(logits[i]) - largest) / sampling.temperature);
    if (weight == 0) continue;
    choices.emplace_back(weight, id);
    sum += weight;
  }
  if (sampling.top_p < 1) {
    std::ranges::sort(choices, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    double kept = 0;
    size_t count = 0;
    while (count < choices.size() && (count == 0 || kept < sampling.top_p * sum)) kept += choices[count++].first;
    choices.resize(count);
    sum = kept;
  }
  double left = uniform(sampling.seed, index) * sum;
  for (const auto& [weight, id] : choices) {
    if (left < weight) return id;
    left -= weight;
  }
  return choices.back().second;
}

}  // namespace lectern
