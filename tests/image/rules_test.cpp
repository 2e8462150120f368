#include "image/rules.h"

#include <gtest/gtest.h>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::fill;
using testing::text_at;

InkMask ink_of(const Picture& page) { return find_ink(page, Ink::solid); }

TEST(Rules, TakesShortRulesThatLettersMakeLookLong) {
  Picture page = drawn_page(text_at(72, 700, 12, "moon and sun"));
  fill(page, 190, 340, 192, 410, 0);   // down, beside the text
  fill(page, 200, 420, 330, 423, 90);  // grey, below it
  InkMask mask = ink_of(page);
  const Rules rules = take_rules(mask, 18);
  ASSERT_EQ(rules.down.size(), 1u);
  EXPECT_NEAR(rules.down[0].left, 190, 1);
  EXPECT_NEAR(rules.down[0].height(), 70, 2);
  ASSERT_EQ(rules.across.size(), 1u);
  EXPECT_NEAR(rules.across[0].top, 420, 1);
  EXPECT_NEAR(rules.across[0].width(), 130, 2);
  for (int y = 340; y < 410; ++y) EXPECT_EQ(mask.row(y)[190], 0) << y;
}

TEST(Rules, LeavesLettersOfHeadingsAndJoinsWhatIsBroken) {
  Picture page = drawn_page(text_at(72, 700, 12, "moon and sun") + text_at(72, 600, 48, "Hill IT"));
  InkMask mask = ink_of(page);
  const std::vector<uint8_t> before = mask.ink;
  Rules rules = take_rules(mask, 18);
  EXPECT_TRUE(rules.down.empty());
  EXPECT_EQ(mask.ink, before);

  for (int part = 0; part < 4; ++part) fill(page, 190, 340 + 64 * part, 192, 340 + 64 * part + 62, 0);
  mask = ink_of(page);
  rules = take_rules(mask, 18);
  ASSERT_EQ(rules.down.size(), 1u);
  EXPECT_NEAR(rules.down[0].height(), 254, 2);
}

TEST(Rules, TakesTheFrayedRimsOfARuleWithIt) {
  Picture page = drawn_page(text_at(72, 700, 12, "moon and sun"));
  InkMask mask = ink_of(page);
  const std::vector<uint8_t> before = mask.ink;
  for (int y = 600; y < 900; ++y) {
    mask.row(y)[300] = 1;
    if (y / 25 % 2 == 0) mask.row(y)[299] = mask.row(y)[301] = 1;
  }
  for (int y = 900; y < 907; ++y) mask.row(y)[301] = 1;  // a step aside
  for (int y = 906; y < 990; ++y) mask.row(y)[300] = 1;
  EXPECT_EQ(take_rules(mask, 18).down.size(), 1u);
  EXPECT_EQ(mask.ink, before);
}

TEST(Rules, GivesNoneOfAHatchedPage) {
  Picture page = drawn_page("");
  for (int y = 10; y + 3 < page.height; y += 4) {
    for (int x = 0; x + 60 < page.width; x += 62) fill(page, x, y, x + 60, y + 1, 0);
  }
  InkMask mask = ink_of(page);
  EXPECT_TRUE(take_rules(mask, 10).across.empty());
}

}  // namespace
}  // namespace lectern
