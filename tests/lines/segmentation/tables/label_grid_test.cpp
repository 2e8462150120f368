#include "lines/segmentation/tables/label_grid.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::column;
using testing::operator+;

// Labels of three lines in rows and columns.
Parts labels(int left, int width, int first_pitch = 150) {
  return column(left, left + width, 100, 3) + column(left, left + width - 20, 100 + first_pitch, 3);
}

std::vector<Parts> found(const Parts& parts) { return labels_of(rows_of(parts), columns_of(parts, 12), 20); }

TEST(LabelGrid, IsReadLabelByLabel) {
  const std::vector<Parts> grid = found(labels(50, 180) + labels(350, 160) + labels(650, 200));
  ASSERT_EQ(grid.size(), 6u);
  for (const Parts& label : grid) EXPECT_EQ(label.size(), 3u);
  EXPECT_EQ(grid[1].front().box.left, 350);
  EXPECT_EQ(grid[1].back().box.top, 156);
  EXPECT_EQ(grid[3].front().box.top, 250);
  EXPECT_EQ(found(labels(50, 180) + labels(350, 160) + column(650, 800, 100, 3)).size(), 5u) << "the last is missing";
}

TEST(LabelGrid, IsNoTable) {
  EXPECT_TRUE(found(labels(50, 180) + labels(350, 160) + labels(550, 200)).empty()) << "columns of different widths";
  EXPECT_TRUE(found(labels(50, 180) + labels(350, 60) + labels(650, 70)).empty()) << "figures";
  EXPECT_TRUE(found(labels(50, 180, 84) + labels(350, 160, 84) + labels(650, 200, 84)).empty()) << "rows as far apart";
  EXPECT_TRUE(found(column(50, 350, 100, 3) + column(50, 345, 250, 3) + labels(370, 290)).empty()) << "running text";
  EXPECT_TRUE(found(labels(50, 180) + column(350, 500, 100, 2) + column(350, 480, 278, 2)).empty()) << "an empty cell";
}

}  // namespace
}  // namespace lectern
