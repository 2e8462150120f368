#include "image/ink_lines.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lectern {
namespace {

// White, with black rectangles.
Picture page_with(const std::vector<Box>& ink) {
  Picture page(600, 400);
  std::ranges::fill(page.rgb, uint8_t{255});
  for (const Box& box : ink) {
    for (int y = static_cast<int>(box.top); y < box.bottom; ++y) {
      std::fill(page.row(y) + static_cast<int>(box.left) * 3, page.row(y) + static_cast<int>(box.right) * 3,
                uint8_t{0});
    }
  }
  return page;
}

// Letters side by side.
std::vector<Box> line_of(double left, double top, double right, double height) {
  std::vector<Box> letters;
  for (double x = left; x + 6 <= right; x += 10) letters.push_back({x, top, x + 6, top + height});
  return letters;
}

TEST(InkLines, AreFoundWithinTheirBox) {
  std::vector<Box> ink;
  for (const auto& letters : {line_of(50, 40, 450, 14), line_of(50, 70, 300, 14), line_of(50, 200, 450, 14)}) {
    ink.insert(ink.end(), letters.begin(), letters.end());
  }
  for (const double x : {53, 93, 203}) ink.push_back({x, 34, x + 4, 38});  // the dots of letters
  const PageInk page(page_with(ink));
  const auto lines = page.lines({20, 20, 500, 120});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NEAR(lines[0].top, 34, 2);
  EXPECT_NEAR(lines[0].bottom, 54, 2);
  EXPECT_NEAR(lines[0].left, 50, 2);
  EXPECT_NEAR(lines[0].right, 446, 6);
  EXPECT_NEAR(lines[1].right, 296, 6);
  EXPECT_TRUE(page.lines({20, 260, 500, 390}).empty());
  EXPECT_TRUE(page.lines({700, 500, 900, 800}).empty());
}

}  // namespace
}  // namespace lectern
