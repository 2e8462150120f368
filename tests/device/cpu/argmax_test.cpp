#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "support/bits.h"
#include "support/choose.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::choose_largest;
using ::testing::ElementsAre;
using testing::for_each_target;
using testing::Random;

constexpr float infinity = std::numeric_limits<float>::infinity();
const float nan_value = std::nanf("");

Chosen choose(const std::vector<float>& logits, int64_t rows, const std::vector<std::vector<int32_t>>& banned = {}) {
  const auto width = static_cast<int64_t>(logits.size()) / rows;
  return choose_largest(cpu_device(), from_host(cpu_device(), logits, {rows, width}), banned);
}

// By plain loops in double.
Chosen expected_of(const std::vector<float>& logits, int64_t rows, const std::vector<std::vector<int32_t>>& banned) {
  Chosen chosen;
  const size_t width = logits.size() / static_cast<size_t>(rows);
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const float* const x = logits.data() + row * width;
    int32_t best = -1;
    double most = -infinity, sum = 0;
    for (size_t i = 0; i < width; ++i) {
      const auto id = static_cast<int32_t>(i);
      if (std::isnan(x[i])) continue;
      most = std::max(most, static_cast<double>(x[i]));
      if (std::ranges::find(banned[row], id) != banned[row].end()) continue;
      if (best < 0 || x[i] > x[static_cast<size_t>(best)]) best = id;
    }
    for (size_t i = 0; i < width; ++i) sum += std::isnan(x[i]) ? 0 : std::exp(static_cast<double>(x[i]) - most);
    chosen.ids.push_back(best);
    chosen.log_probabilities.push_back(
        best < 0 ? 0.0f : static_cast<float>(static_cast<double>(x[static_cast<size_t>(best)]) - most - std::log(sum)));
  }
  return chosen;
}

// Widths around those of vectors, blocks and chunks; logits of few and of many different values.
TEST(Argmax, IsThatOfPlainLoops) {
  Random random(11);
  for (const int64_t width : {1, 3, 17, 511, 512, 1003, 4096, 4097, 12'289}) {
    for (const bool coarse : {false, true}) {
      const int64_t rows = random.between(1, 4);
      std::vector<float> logits = random.values(rows * width, coarse ? 3 : 12);
      for (float& x : logits) {
        if (coarse) x = std::round(x);
        if (random.between(0, 50) == 0) x = random.coin() ? nan_value : -infinity;
      }
      std::vector<std::vector<int32_t>> banned(static_cast<size_t>(rows));
      for (auto& of_row : banned) {
        for (int64_t i = random.between(0, 30); i > 0; --i)
          of_row.push_back(static_cast<int32_t>(random.between(-1, width)));
      }
      if (random.coin()) banned[0] = expected_of(logits, rows, banned).ids;
      const Chosen expected = expected_of(logits, rows, banned);
      for_each_target([&] {
        const Chosen chosen = choose(logits, rows, banned);
        EXPECT_EQ(chosen.ids, expected.ids) << width;
        for (size_t i = 0; i < expected.ids.size(); ++i) {
          const float share = expected.log_probabilities[i];
          if (!std::isfinite(share)) continue;
          EXPECT_NEAR(chosen.log_probabilities[i], share, 1e-6 * std::max(1.0f, std::abs(share))) << width;
        }
      });
    }
  }
}

TEST(Argmax, OfEqualLogitsTheLowestThatIsNotBanned) {
  std::vector<float> logits(9000, 1);
  for (const size_t i : {4000, 4100, 8500}) logits[i] = 3;
  EXPECT_THAT(choose(logits, 1).ids, ElementsAre(4000));
  EXPECT_THAT(choose(logits, 1, {{4000}}).ids, ElementsAre(4100));
  EXPECT_THAT(choose(logits, 1, {{8500, 4100, 4000, 4100, -1, 9000}}).ids, ElementsAre(0));
  EXPECT_THAT(choose({-0.0f, 0.0f}, 1).ids, ElementsAre(0));
}

TEST(Argmax, WhatIsNoNumberIsNotChosen) {
  EXPECT_THAT(choose({nan_value, 1, nan_value, 2, nan_value}, 1).ids, ElementsAre(3));
  EXPECT_THAT(choose({nan_value, -infinity}, 1).ids, ElementsAre(1));
  EXPECT_THAT(choose({nan_value, nan_value}, 1).ids, ElementsAre(-1));
  EXPECT_THAT(choose({1, nan_value}, 1, {{0}}).ids, ElementsAre(-1));
  EXPECT_THAT(choose({1, 2, 3}, 1, {{0, 1, 2}}).ids, ElementsAre(-1));
  const Chosen infinite = choose({1, infinity, infinity, -infinity, -infinity, -infinity}, 2);
  EXPECT_THAT(infinite.ids, ElementsAre(1, 0));
  EXPECT_THAT(infinite.log_probabilities, ElementsAre(0, 0));
}

TEST(Argmax, LogProbabilitiesCountTheBanned) {
  const Chosen chosen = choose({1, 2, nan_value, -infinity, 3}, 1, {{4}});
  EXPECT_THAT(chosen.ids, ElementsAre(1));
  EXPECT_NEAR(chosen.log_probabilities[0], 2 - std::log(std::exp(1) + std::exp(2) + std::exp(3)), 1e-6);
  EXPECT_THAT(choose({7}, 1).log_probabilities, ElementsAre(0));
}

TEST(Argmax, IsTheSameBitsAloneInCompanyAndWithAnyThreads) {
  Random random(5);
  constexpr int64_t rows = 6, width = 9001;
  const std::vector<float> logits = random.values(rows * width, 6);
  const Chosen together = choose(logits, rows);
  for (const int threads : {1, 2, 3}) {
    const testing::WithThreads some(threads);
    EXPECT_EQ(testing::different_bits(choose(logits, rows).log_probabilities, together.log_probabilities), 0);
    for (int64_t row = 0; row < rows; ++row) {
      const Chosen alone = choose({logits.begin() + row * width, logits.begin() + (row + 1) * width}, 1);
      EXPECT_EQ(alone.ids[0], together.ids[static_cast<size_t>(row)]);
      EXPECT_EQ(
          testing::different_bits(alone.log_probabilities, {&together.log_probabilities[static_cast<size_t>(row)], 1}),
          0);
    }
  }
}

}  // namespace
}  // namespace lectern
