#include "lines/segmentation/letters.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::text_at;

TEST(Letters, TellsLettersFromMarksFromTheLeft) {
  const Letters found = find_letters(drawn_page(text_at(72, 700, 12, "moon, sun. noon - ace")));
  EXPECT_EQ(found.letters.size(), 14u);
  EXPECT_EQ(found.marks.size(), 3u);
  EXPECT_TRUE(std::ranges::is_sorted(found.letters, {}, &PixelBox::left));
  EXPECT_NEAR(found.height, 12 * 200 / 72.0 * 0.53, 3);
}

TEST(Letters, LooksAtDarkBarsForLightOnes) {
  const Letters found = find_letters(
      drawn_page("0 g 60 690 300 30 re f\n" + text_at(72, 700, 12, "moon", 1) + text_at(72, 600, 12, "sun and more")));
  EXPECT_EQ(found.letters.size(), 14u);
}

TEST(Letters, LeavesOutWhatIsLeftOfABrokenRule) {
  std::string dashes = "0 g\n";
  for (int i = 0; i < 30; ++i) dashes += std::to_string(72 + 10 * i) + " 690 6 0.5 re f\n";
  const Letters found = find_letters(drawn_page(dashes + text_at(72, 700, 12, "moon and sun")));
  EXPECT_EQ(found.letters.size(), 10u);
  EXPECT_TRUE(found.marks.empty());
  EXPECT_EQ(find_letters(drawn_page(text_at(72, 700, 12, "12-34-56-78-90-12 moon"))).marks.size(), 5u);
}

TEST(Letters, FindsLightRulesBesideDarkLetters) {
  const Letters found =
      find_letters(drawn_page("0.75 g 60 690 300 1 re f 60 600 1 90 re f\n0 g 60 600 300 1 re f 360 600 1 90 re f\n" +
                              text_at(72, 660, 12, "moon")));
  EXPECT_EQ(found.rules.across.size(), 2u) << "each once";
  EXPECT_EQ(found.rules.down.size(), 2u) << "each once";
  EXPECT_EQ(found.letters.size(), 4u);
}

TEST(Letters, LeavesLeadersOut) {
  const Letters found = find_letters(drawn_page(text_at(72, 700, 12, "moon ........... 12")));
  EXPECT_EQ(found.letters.size(), 6u);
  EXPECT_TRUE(found.marks.empty());
  EXPECT_EQ(find_letters(drawn_page(text_at(72, 700, 12, "moon ... noon, sun."))).marks.size(), 5u);
}

TEST(Letters, FindsNoneOnWhite) {
  const Letters found = find_letters(drawn_page(""));
  EXPECT_TRUE(found.letters.empty());
  EXPECT_EQ(found.height, 0);
  EXPECT_TRUE(find_letters(Picture()).letters.empty());
}

}  // namespace
}  // namespace lectern
