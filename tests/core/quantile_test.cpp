#include "core/quantile.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(Quantile, IsOneOfTheValues) {
  const std::vector<int> values = {9, 2, 7, 1, 8, 3, 5, 4};
  EXPECT_EQ(median(values), 5);
  EXPECT_EQ(median(std::vector<double>{2.5, 0.5, 1.5}), 1.5);
  EXPECT_EQ(quantile(values, 1, 4), 3);
  EXPECT_EQ(quantile(values, 3, 4), 8);
  EXPECT_EQ(quantile(values, 0, 4), 1);
}

TEST(Quantile, IsGivenWhereThereAreNoValues) {
  EXPECT_EQ(median(std::vector<int>{}), 0);
  EXPECT_EQ(median(std::vector<int>{}, 1), 1);
  EXPECT_EQ(quantile(std::vector<double>{}, 1, 4, 0.75), 0.75);
}

}  // namespace
}  // namespace lectern
