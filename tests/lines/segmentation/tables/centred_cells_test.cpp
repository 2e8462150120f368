#include "lines/segmentation/tables/centred_cells.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::operator+;

TextLine line(int left, int top, int width) {
  TextLine line;
  line.box = {left, top, left + width, top + 20};
  line.height = 20;
  line.words = {line.box};
  return line;
}

// `count` lines from `left` on, centred at `middle`.
Parts cell(int left, int middle, int count, int pitch = 30) {
  Parts cell;
  for (int i = 0; i < count; ++i)
    cell.push_back(line(left, middle - 10 - (count - 1) * pitch / 2 + i * pitch, 150 - 40 * i));
  return cell;
}

TEST(CentredCells, StandBetweenTheLinesOfWrappedOnes) {
  const Parts names = cell(50, 100, 1) + cell(50, 170, 1) + cell(50, 255, 1) + cell(50, 325, 1);
  const Parts duties = cell(300, 100, 1) + cell(300, 170, 2) + cell(300, 255, 3) + cell(300, 325, 1);
  const Parts numbers = cell(600, 100, 1) + cell(600, 170, 1) + cell(600, 325, 1);
  const std::vector<Parts> rows = centred_rows({names, duties, numbers}, 20);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].size(), 3u);
  EXPECT_EQ(rows[1].size(), 4u);
  EXPECT_EQ(rows[2].size(), 4u) << "an empty cell";
  EXPECT_EQ(rows[3].size(), 3u);
}

TEST(CentredCells, AreNoneWhereCellsBeginOnOneLevel) {
  Parts names, duties;
  for (int row = 0; row < 4; ++row) {
    names.push_back(line(50, 100 + 80 * row, 120));
    duties.push_back(line(300, 100 + 80 * row, 150));
    duties.push_back(line(300, 130 + 80 * row, 110));
  }
  EXPECT_TRUE(centred_rows({names, duties}, 20).empty());
}

TEST(CentredCells, AreNoneWhereATallHeadStandsOverPlainRows) {
  Parts names = cell(50, 110, 1), first = cell(300, 110, 2), second = cell(500, 110, 2);
  for (const int middle : {175, 215, 255}) {
    names = names + cell(50, middle, 1);
    first = first + cell(300, middle, 1);
    second = second + cell(500, middle, 1);
  }
  EXPECT_TRUE(centred_rows({names, first, second}, 20).empty());
  EXPECT_TRUE(centred_rows({names}, 20).empty());
}

TEST(CentredCells, AreNoneWhereARowHasNoFirstCell) {
  const Parts names = cell(50, 170, 1) + cell(50, 325, 1) + cell(50, 400, 1);
  const Parts duties =
      cell(300, 100, 1) + cell(300, 170, 2) + cell(300, 255, 1) + cell(300, 325, 2) + cell(300, 400, 1);
  EXPECT_TRUE(centred_rows({names, duties}, 20).empty());
}

}  // namespace
}  // namespace lectern
