#include "core/range.h"

#include <gtest/gtest.h>

#include <vector>

namespace lectern {
namespace {

std::vector<int64_t> counts_of(int64_t count, int64_t parts, int64_t unit = 1) {
  std::vector<int64_t> counts;
  int64_t end = 0;
  for (int64_t i = 0; i < parts; ++i) {
    const Range part = part_of(count, i, parts, unit);
    EXPECT_EQ(part.first, end);
    end = part.end();
    counts.push_back(part.count);
  }
  EXPECT_EQ(end, count);
  return counts;
}

TEST(Range, IsDividedEvenlyWithTheLargerPartsFirst) {
  EXPECT_EQ(counts_of(10, 4), (std::vector<int64_t>{3, 3, 2, 2}));
  EXPECT_EQ(counts_of(10, 8), (std::vector<int64_t>{2, 2, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(counts_of(3, 5), (std::vector<int64_t>{1, 1, 1, 0, 0}));
  EXPECT_EQ(counts_of(0, 2), (std::vector<int64_t>{0, 0}));
}

TEST(Range, KeepsUnitsWhole) {
  EXPECT_EQ(counts_of(100, 2, 64), (std::vector<int64_t>{64, 36}));
  EXPECT_EQ(counts_of(100, 3, 64), (std::vector<int64_t>{64, 36, 0}));
  EXPECT_EQ(counts_of(6848, 8, 64), (std::vector<int64_t>{896, 896, 896, 832, 832, 832, 832, 832}));
}

}  // namespace
}  // namespace lectern
