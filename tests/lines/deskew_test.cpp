#include "lines/deskew.h"

#include <gtest/gtest.h>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::text_at;

Picture page_of_lines() {
  std::string content;
  for (int i = 0; i < 25; ++i)
    content += text_at(72, 740 - 20 * i, 11,
                       "The quick brown fox jumps over the lazy dog and runs home through the long grass.");
  return drawn_page(content);
}

TEST(Deskew, MeasuresTheAngleOfThePage) {
  const Picture straight = page_of_lines();
  EXPECT_EQ(skew_of(straight), 0);
  for (const double angle : {-3.0, -0.5, 0.3, 2.0}) EXPECT_NEAR(skew_of(turned(straight, angle)), -angle, 0.1);
}

TEST(Deskew, MeasuresColumnsOfSmallPrintInLowResolution) {
  std::string content;
  for (int column = 0; column < 2; ++column) {  // their lines are not on one level
    for (int i = 0; i < 30; ++i) {
      content +=
          text_at(57 + 251 * column, 740 - (11.5 + 0.6 * column) * i, 9, "jumps over the lazy dog and runs home thr");
    }
  }
  const Picture page = drawn_page(content, 150);
  for (const double angle : {-1.5, 1.5}) EXPECT_NEAR(skew_of(turned(page, angle)), -angle, 0.15);
}

TEST(Deskew, MeasuresAFewLinesBesideADarkBar) {
  Picture page(1000, 700);
  std::ranges::fill(page.rgb, 255);
  testing::fill(page, 0, 0, 220, 600, 30);
  for (int line = 0; line < 8; ++line) {
    for (int i = 0; i < 20; ++i) {
      if (i % 6 == 5) continue;  // between words
      const int left = 280 + 14 * i, foot = 60 + 60 * line, top = foot - (i % 4 == 1 ? 19 : 13);
      testing::fill(page, left, top, left + 10, foot, 20);
      testing::fill(page, left + 3, top + 3, left + 7, foot - 3, 255);
    }
  }
  for (const double angle : {-2.0, 2.0}) EXPECT_NEAR(skew_of(turned(page, angle)), -angle, 0.15);
}

TEST(Deskew, LeavesAPageAloneThatDoesNotTell) {
  EXPECT_EQ(skew_of(Picture(20, 20)), 0);
  EXPECT_EQ(skew_of(drawn_page("")), 0);
}

TEST(Deskew, TurnsClockwiseAboutTheMiddleAndFillsWithPaper) {
  Picture page(101, 101);
  std::ranges::fill(page.rgb, 200);
  testing::fill(page, 80, 48, 84, 53, 0);  // right of the middle
  const Picture out = turned(page, 45);
  EXPECT_EQ(out.width, 101);
  EXPECT_LT(out.row(50 + 23)[3 * (50 + 23)], 60);  // down and right
  EXPECT_EQ(out.row(0)[0], 200);
  EXPECT_EQ(turned(page, 0).rgb, page.rgb);
}

}  // namespace
}  // namespace lectern
