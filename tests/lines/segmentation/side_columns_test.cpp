#include "lines/segmentation/side_columns.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::column;
using testing::line;
using testing::operator+;

TEST(SideColumns, PartASideBarFromTheTextBesideIt) {
  const auto found = find_side_columns(column(50, 150, 100, 7, 38) + column(300, 700, 109, 10, 29));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->above.empty());
  EXPECT_EQ(found->left.size(), 7u);
  EXPECT_EQ(found->right.size(), 10u);
}

TEST(SideColumns, LeaveWhatStandsInRows) {
  EXPECT_FALSE(find_side_columns(column(50, 150, 100, 7, 38) + column(300, 700, 100, 7, 38)));
  EXPECT_FALSE(find_side_columns(column(50, 150, 100, 4, 58) + column(300, 700, 100, 8, 29))) << "cells of two lines";
}

TEST(SideColumns, EndWhereALineCrossesOrWhiteGoesOverThePage) {
  const Parts bar = {line(50, 20, 180), line(600, 20, 700)}, note = {line(50, 480, 300)};
  const Parts columns = column(50, 150, 100, 7, 38) + column(300, 700, 109, 10, 29);
  auto found = find_side_columns(bar + columns + note);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->above.size(), 2u);
  EXPECT_EQ(found->left.size(), 7u);
  EXPECT_EQ(found->right.size(), 10u);
  EXPECT_EQ(found->below.size(), 1u);
  found = find_side_columns(Parts{line(50, 70, 600)} + columns + Parts{line(50, 410, 600)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->above.size(), 1u);
  EXPECT_EQ(found->below.size(), 1u);
}

TEST(SideColumns, LeaveTheTextOfALetterWithItsAddress) {
  const Parts address = column(50, 200, 180, 4, 29), contact = column(800, 950, 100, 9, 24);
  const Parts letter = address + column(50, 740, 400, 8, 30) + column(50, 200, 720, 2, 30);
  const auto found = find_side_columns(letter + contact);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->above.empty());
  EXPECT_EQ(found->left.size(), 14u);
  EXPECT_EQ(found->right.size(), 9u);
  EXPECT_TRUE(found->below.empty());
  const auto crossed = find_side_columns(address + column(50, 790, 400, 8, 30) + contact);
  ASSERT_TRUE(crossed);
  EXPECT_EQ(crossed->below.size(), 8u) << "below both";
  const auto table = find_side_columns(address + column(50, 200, 400, 8, 30) + contact);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->below.size(), 8u) << "short lines";
}

TEST(SideColumns, AreNotToldByTwoLines) {
  EXPECT_FALSE(find_side_columns(column(50, 150, 100, 2, 38) + column(300, 700, 109, 10, 29)));
  EXPECT_FALSE(find_side_columns({}));
}

}  // namespace
}  // namespace lectern
