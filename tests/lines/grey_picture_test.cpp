#include "lines/grey_picture.h"

#include <gtest/gtest.h>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

Picture card(uint8_t paper, uint8_t ink) {
  Picture card(40, 20);
  std::ranges::fill(card.rgb, paper);
  testing::fill(card, 10, 5, 20, 15, ink);
  return card;
}

TEST(GreyPicture, KnowsItsPaper) {
  EXPECT_EQ(GreyPicture(card(210, 30)).at(12, 7), 30);
  EXPECT_NEAR(GreyPicture(card(210, 30)).paper, 210, 3);
  EXPECT_NEAR(GreyPicture(card(40, 230)).paper, 40, 3);
}

TEST(GreyPicture, BringsInkToDarkOnPaper) {
  for (const auto& [paper, ink] : {std::pair{250, 20}, std::pair{40, 230}, std::pair{200, 150}}) {
    const GreyPicture grey = GreyPicture(card(static_cast<uint8_t>(paper), static_cast<uint8_t>(ink))).on_paper(240);
    EXPECT_NEAR(grey.at(0, 0), 240, 12) << paper;
    EXPECT_LT(grey.at(12, 7), 125) << paper;
  }
}

TEST(GreyPicture, IsCutAndResized) {
  const GreyPicture grey(card(210, 30));
  const GreyPicture cut = grey.cut({8, 4, 24, 16});
  EXPECT_EQ(cut.width, 16);
  EXPECT_EQ(cut.at(2, 1), 30);
  EXPECT_EQ(cut.at(0, 0), 210);
  const GreyPicture twice = cut.resized(32, 24);
  EXPECT_EQ(twice.width, 32);
  EXPECT_LT(twice.at(10, 10), 60);
  EXPECT_GT(twice.at(0, 0), 190);
}

}  // namespace
}  // namespace lectern
