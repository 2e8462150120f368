#include "lines/segmentation/tables/table_rows.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::line;

FoundTable table_of(const Parts& parts) { return make_table(rows_of(parts), columns_of(parts, 12)); }

TEST(TableRows, ReadACellAsTallAsTwoWithTheUpperOne) {
  Parts parts = {line(50, 124, 120)};
  for (const int left : {200, 400}) {
    parts.push_back(line(left, 100, left + 60));
    for (int row = 0; row < 4; ++row) parts.push_back(line(left, 150 + 50 * row, left + 50));
    for (int row = 0; row < 4; ++row) parts.push_back(line(left + 100, 150 + 50 * row, left + 150));
  }
  for (int row = 1; row < 4; ++row) parts.push_back(line(50, 150 + 50 * row, 110));
  const TextBlock table = table_of(parts).table;
  EXPECT_EQ(table.kind, BlockKind::table);
  ASSERT_EQ(table.lines.size(), parts.size());
  EXPECT_EQ(table.lines[0].box.top, 124);
  EXPECT_EQ(table.cells[0].row, 0);
  EXPECT_EQ(table.cells[2].row, 0);
  EXPECT_EQ(table.cells[3].row, 1);
  EXPECT_EQ(table.cells.back().row, 4);
}

TEST(TableRows, KeepARowOfOneCellWhoseColumnIsFilledAboveAndBelow) {
  Parts parts;
  for (int row = 0; row < 5; ++row) {
    parts.push_back(line(50, 100 + 40 * row, 120));
    if (row != 2) parts.push_back(line(300, 100 + 40 * row, 350));
  }
  EXPECT_EQ(table_of(parts).table.cells.back().row, 4);
}

TEST(TableRows, TakeFurtherLinesOfACell) {
  Parts parts;
  for (int row = 0; row < 6; ++row) {
    parts.push_back(line(200, 100 + 30 * row, 330));
    if (row == 3) continue;  // the second line of the row above
    parts.push_back(line(50, 100 + 30 * row, 100));
    parts.push_back(line(500, 100 + 30 * row, 560));
  }
  TextBlock table = table_of(parts).table;
  ASSERT_EQ(table.lines.size(), parts.size());
  EXPECT_EQ(table.cells.back().row, 4);
  EXPECT_EQ(table.lines[8].box.top, 190);
  EXPECT_EQ(table.cells[8].row, 2);
  EXPECT_EQ(table.cells[8].column, 1);
  for (TextLine& part : parts) {
    if (part.box.left == 200) part.box.right = 290;  // a narrow column of words
  }
  EXPECT_EQ(table_of(parts).table.cells.back().row, 4);
  for (TextLine& part : parts) {
    if (part.box.left == 200) part.box.right = 250;  // figures, which are not wrapped
  }
  table = table_of(parts).table;
  EXPECT_EQ(table.cells.back().row, 5);
}

TEST(TableRows, KeepSmallPrintWithWhatStandsBelowIt) {
  Parts parts;
  for (int row = 0; row < 3; ++row) {
    for (const int left : {50, 400}) {
      parts.push_back(line(left, 100 + 70 * row, left + 90));
      parts.push_back(line(left, 127 + 70 * row, left + 120));
    }
  }
  TextBlock table = table_of(parts).table;
  ASSERT_EQ(table.lines.size(), parts.size());
  EXPECT_EQ(table.cells.back().row, 2);
  EXPECT_EQ(table.lines[1].box.top, 127);
  EXPECT_EQ(table.cells[1].column, 0);
  for (TextLine& part : parts) {
    if (part.box.top % 70 == 57) part.box.top += 5, part.box.bottom += 5;
  }
  table = table_of(parts).table;
  EXPECT_EQ(table.cells.back().row, 5) << "rows as far from each other";
}

TEST(TableRows, TreatLinesBelowOthersAlike) {
  Parts parts;
  for (int row = 0; row < 5; ++row) {
    parts.push_back(line(50, 100 + 95 * row, 150));
    if (row == 0) parts.back().box.bottom += 5;  // a letter that reaches down
    if (row < 4) parts.push_back(line(50, 133 + 95 * row, 200));
    parts.push_back(line(500, 100 + 95 * row, 550));
  }
  EXPECT_EQ(table_of(parts).table.cells.back().row, 8) << "descriptions below dishes";
  for (TextLine& part : parts) {
    if (part.box.right == 200) part.box.top -= 6, part.box.bottom -= 6;
  }
  EXPECT_EQ(table_of(parts).table.cells.back().row, 4) << "wrapped cells";
}

TEST(TableRows, LeaveAHeadingAndANoteThatStandApart) {
  Parts parts = {line(50, 40, 180), line(50, 290, 190)};
  for (int row = 0; row < 4; ++row) {
    parts.push_back(line(50, 100 + 40 * row, 120));
    parts.push_back(line(300, 100 + 40 * row, 350));
  }
  const FoundTable found = table_of(parts);
  ASSERT_EQ(found.above.size(), 1u);
  EXPECT_EQ(found.above[0].box.top, 40);
  ASSERT_EQ(found.below.size(), 1u);
  EXPECT_EQ(found.below[0].box.top, 290);
  EXPECT_EQ(found.table.lines.size(), 8u);
}

}  // namespace
}  // namespace lectern
