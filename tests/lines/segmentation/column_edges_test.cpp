#include "lines/segmentation/column_edges.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::column;
using testing::line;
using testing::operator+;

// Words of 60 pixels with white of 8 between, and one at `last`.
TextLine long_line(int top, int words, int last) {
  TextLine part = line(200, top, last + 60);
  part.words.clear();
  for (int i = 0; i < words; ++i) part.words.push_back({200 + 68 * i, top, 260 + 68 * i, top + 20});
  part.words.push_back({last, top, last + 60, top + 20});
  return part;
}

TEST(ColumnEdges, PartACellThatReachesTheNextColumn) {
  const Parts others = column(50, 100, 100, 5, 40) +
                       Parts{line(200, 100, 420), line(200, 180, 330), line(200, 220, 340), line(200, 260, 310)} +
                       Parts{line(612, 100, 700), line(612, 180, 680), line(612, 220, 690), line(612, 260, 700)};
  const Parts parted = part_at_columns(others + Parts{long_line(140, 6, 612)});
  ASSERT_EQ(parted.size(), others.size() + 2);
  EXPECT_EQ(parted[others.size()].box.right, 600);
  EXPECT_EQ(parted[others.size()].words.size(), 6u);
  EXPECT_EQ(parted.back().box.left, 612);
  EXPECT_EQ(part_at_columns(others + Parts{long_line(140, 6, 606)}).size(), others.size() + 1) << "beside its edge";
  EXPECT_EQ(part_at_columns(others + Parts{long_line(300, 6, 612)}).size(), others.size() + 1) << "below the table";
}

TEST(ColumnEdges, LeaveLinesWholeWhoseWordsAreSetAsWide) {
  const Parts others = column(50, 100, 100, 5, 40) + column(200, 420, 100, 1) + column(200, 330, 180, 3, 40) +
                       column(608, 700, 100, 1) + column(608, 690, 180, 3, 40);
  EXPECT_EQ(part_at_columns(others + Parts{long_line(140, 6, 608)}).size(), others.size() + 1);
}

}  // namespace
}  // namespace lectern
