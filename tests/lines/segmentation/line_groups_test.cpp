#include "lines/segmentation/line_groups.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::column;
using testing::line;
using testing::operator+;

TEST(LineGroups, PartAHeadingFromTheColumnsBelowIt) {
  const std::vector<Parts> groups =
      groups_of(Parts{line(120, 20, 640)} + column(50, 350, 100, 8) + column(400, 700, 100, 8));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].size(), 1u);
  EXPECT_EQ(groups[1].size(), 16u);
}

TEST(LineGroups, KeepTheFirstLinesOfAColumnThatBeginsAboveItsNeighbour) {
  const Parts heading = {line(120, 20, 640)}, left = column(50, 350, 125, 8);
  std::vector<Parts> groups = groups_of(heading + left + column(400, 700, 98, 9));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].size(), 1u);
  EXPECT_EQ(groups[1].size(), 17u);
  groups = groups_of(left + column(400, 700, 98, 9));
  ASSERT_EQ(groups.size(), 1u);
  groups = groups_of(heading + Parts{line(400, 75, 700)} + left + column(400, 700, 125, 8));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].size(), 2u) << "a date that stands apart above them";
}

TEST(LineGroups, KeepALineBelowAFurtherPartWithTheRowOfHeads) {
  const Parts heads = {line(50, 100, 120), line(300, 100, 380), line(600, 100, 680)};
  const Parts row = {line(50, 169, 150), line(300, 180, 420), line(600, 169, 680)};
  EXPECT_EQ(groups_of(heads + Parts{line(300, 148, 450)} + row).size(), 1u);
  EXPECT_GT(groups_of(heads + Parts{line(50, 148, 250)} + row).size(), 1u) << "text below the head of a page";
}

}  // namespace
}  // namespace lectern
