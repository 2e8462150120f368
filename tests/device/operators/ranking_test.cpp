#include "device/operators/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/values.h"

namespace lectern {
namespace {

std::vector<int64_t> ranked(const std::vector<float>& scores, size_t count) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](int64_t a, int64_t b) { return ranks_before(scores.data(), a, b); });
  order.resize(count);
  return order;
}

TEST(Ranking, HigherFirstThenLowerIndex) {
  EXPECT_EQ(ranked({1, 3, 2, 3, -1}, 5), (std::vector<int64_t>{1, 3, 2, 0, 4}));
}

TEST(Ranking, WhatIsNotANumberRanksLast) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ranked({nan, -infinity, 2, nan, infinity}, 5), (std::vector<int64_t>{4, 2, 1, 0, 3}));
}

// a before b before c is a before c, and never both ways, with whatever among the scores.
TEST(Ranking, IsAStrictWeakOrder) {
  testing::Random random(1);
  std::vector<float> scores(24);
  for (float& score : scores) score = random.between(0, 3) == 0 ? std::nanf("") : std::round(random.value() * 3);
  const auto count = static_cast<int64_t>(scores.size());
  const auto before = [&](int64_t a, int64_t b) { return ranks_before(scores.data(), a, b); };
  for (int64_t a = 0; a < count; ++a) {
    EXPECT_FALSE(before(a, a));
    for (int64_t b = 0; b < count; ++b) {
      EXPECT_TRUE(a == b || before(a, b) != before(b, a));
      for (int64_t c = 0; c < count; ++c) EXPECT_TRUE(!before(a, b) || !before(b, c) || before(a, c));
    }
  }
}

}  // namespace
}  // namespace lectern
