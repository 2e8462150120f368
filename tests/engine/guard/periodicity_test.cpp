#include "engine/guard/periodicity.h"

#include <gtest/gtest.h>

#include "support/values.h"

namespace lectern {
namespace {

TEST(Periodicity, CountsWhatAgreesWithTheSymbolsOnePeriodBefore) {
  for (const int period : {1, 2, 3, 7, 31, 100, 399, 400}) {
    Periodicity scores;
    for (int i = 0; i < 50; ++i) scores.push(100'000 + i);
    for (int i = 0; i < 3 * period + 5; ++i) scores.push(i % period);
    const Periodicity::Peak run = scores.best();
    EXPECT_EQ(run.lag, period);
    EXPECT_EQ(run.score, 2 * period + 5);
    EXPECT_EQ(run.start, 50 + period);
    EXPECT_EQ(scores.best_score(), run.score);
  }
}

TEST(Periodicity, LongerPeriodsAreNotSeen) {
  Periodicity scores;
  for (int i = 0; i < 5000; ++i) scores.push(i % (max_lag + 1));
  EXPECT_EQ(scores.best_score(), 0);
}

TEST(Periodicity, StaysLowInTextWithoutARepetition) {
  testing::Random random(1);
  Periodicity scores;
  int most = 0;
  for (int i = 0; i < 20'000; ++i) {
    scores.push(static_cast<int32_t>(random.between(0, 300)));
    most = std::max(most, scores.best_score());
  }
  EXPECT_LT(most, 10);
  EXPECT_LT(scores.nothing_new().score, 10);
}

TEST(Periodicity, AFewChangedSymbolsDoNotEndARun) {
  testing::Random random(2);
  Periodicity scores;
  for (int i = 0; i < 3000; ++i) scores.push(i % 24 == 5 ? static_cast<int32_t>(random.between(50, 53)) : i % 12);
  EXPECT_EQ(scores.best().lag % 12, 0);
  EXPECT_GT(scores.best().score, 1000);
}

TEST(Periodicity, NewPairsEndARunQuickly) {
  Periodicity scores;
  for (int i = 0; i < 400; ++i) scores.push(i % 4);
  for (int i = 0; i < 12; ++i) scores.push(1000 + i);
  EXPECT_EQ(scores.best_score(), 0);
  EXPECT_EQ(scores.nothing_new().score, 0);
}

TEST(Periodicity, NothingNewSeesWhatHasNoPeriod) {
  testing::Random random(3);
  Periodicity scores;
  for (int i = 0; i < 6000; ++i) {
    const auto line = static_cast<int32_t>(random.between(0, 3));
    for (int32_t word = 0; word < 6 + line; ++word) scores.push(line * 10 + word);
  }
  EXPECT_GT(scores.nothing_new().score, 20'000);
  EXPECT_LT(scores.best_score(), 1000);
}

}  // namespace
}  // namespace lectern
