#include "image/ink_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/rules.h"

#include <random>
#include <string>
#include <vector>

namespace lectern {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// '#' is ink.
InkMask mask_of(const std::vector<std::string>& rows) {
  InkMask mask{static_cast<int>(rows[0].size()), static_cast<int>(rows.size()), 1, {}};
  for (const std::string& row : rows) {
    for (const char c : row) mask.ink.push_back(c == '#' ? 1 : 0);
  }
  return mask;
}

TEST(InkMask, PiecesAreWhatTouches) {
  const auto pieces = ink_pieces(mask_of({"..........",  //
                                          ".#..#.#.#.",  //
                                          ".#..#..#..",  //
                                          "..#.####..",  //
                                          "..........",  //
                                          "...##.....",  //
                                          ".........."}));
  ASSERT_THAT(pieces, SizeIs(3));
  EXPECT_EQ(pieces[0].pixels, 3) << "corners touch";
  EXPECT_EQ(pieces[0].right, 3);
  EXPECT_EQ(pieces[1].pixels, 9) << "three runs that meet further down";
  EXPECT_EQ(pieces[1].left, 4);
  EXPECT_EQ(pieces[1].right, 9);
  EXPECT_EQ(pieces[1].bottom, 4);
  EXPECT_EQ(pieces[2].width(), 2);
}

TEST(InkMask, CountsEveryPixelOfRandomInkOnce) {
  std::mt19937 random(3);
  InkMask mask{50, 40, 1, std::vector<uint8_t>(2000)};
  int expected = 0;
  for (int y = 2; y < 38; ++y) {
    for (int x = 2; x < 48; ++x) expected += mask.row(y)[x] = random() % 5 < 2 ? 1 : 0;
  }
  int got = 0;
  for (const InkPiece& piece : ink_pieces(mask)) got += piece.pixels;
  EXPECT_EQ(got, expected);
}

TEST(InkMask, RulesAreErasedAndTheirNeighboursStay) {
  InkMask mask{400, 300, 1, std::vector<uint8_t>(400 * 300)};
  const auto draw = [&](int left, int top, int right, int bottom) {
    for (int y = top; y < bottom; ++y) std::fill(mask.row(y) + left, mask.row(y) + right, uint8_t{1});
  };
  draw(20, 100, 380, 103);  // a rule
  draw(200, 20, 202, 280);  // another, crossing it
  draw(50, 60, 60, 75);     // a letter
  draw(80, 150, 190, 250);  // a picture
  take_rules(mask, 0);
  const auto pieces = ink_pieces(mask);
  int pixels = 0;
  for (const InkPiece& piece : pieces) pixels += piece.pixels;
  EXPECT_NEAR(pixels, 150 + 11000, 10);
}

TEST(InkMask, BordersAreNoPieces) {
  InkMask mask{200, 100, 1, std::vector<uint8_t>(20000)};
  for (int y = 0; y < 100; ++y) {
    mask.row(y)[0] = mask.row(y)[1] = mask.row(y)[199] = 1;
  }
  EXPECT_THAT(ink_pieces(mask), IsEmpty());
  for (int x = 0; x < 60; ++x) mask.row(50)[x] = mask.row(52)[x] = mask.row(51)[x] = mask.row(53)[x] = 1;
  EXPECT_THAT(ink_pieces(mask), SizeIs(1)) << "what reaches into the page";
}

TEST(InkMask, SmallestPictures) {
  EXPECT_THAT(find_ink(Picture()).ink, IsEmpty());
  for (const int width : {1, 2, 17}) {
    for (const int height : {1, 3, 100}) {
      InkMask mask = find_ink(Picture(width, height));
      EXPECT_THAT(mask.ink, SizeIs(static_cast<size_t>(width * height)));
      take_rules(mask, 0);
      EXPECT_THAT(ink_pieces(mask), IsEmpty());
    }
  }
}

TEST(InkMask, LightInkOnDarkPaperAndUnevenLight) {
  for (const bool dark : {false, true}) {
    Picture page(600, 400);
    for (int y = 0; y < 400; ++y) {
      for (int x = 0; x < 600; ++x) {
        const int paper = (dark ? 20 : 160) + x / 10;
        const bool letter = x % 60 >= 30 && x % 60 < 36 && y % 40 >= 20 && y % 40 < 32;
        const int value = letter ? (dark ? paper + 60 : paper - 60) : paper;
        for (int c = 0; c < 3; ++c) page.row(y)[3 * x + c] = static_cast<uint8_t>(value);
      }
    }
    EXPECT_THAT(ink_pieces(find_ink(page)), SizeIs(100)) << dark;
  }
}

TEST(InkMask, LightFillsAreNoInkBesideDarkStrokes) {
  Picture page(900, 600);
  std::ranges::fill(page.rgb, uint8_t{255});
  const auto fill = [&](int left, int top, int right, int bottom, uint8_t tone) {
    for (int y = top; y < bottom; ++y) std::fill(page.row(y) + 3 * left, page.row(y) + 3 * right, tone);
  };
  fill(100, 100, 700, 400, 225);  // a bubble
  for (int i = 0; i < 20; ++i) fill(130 + 25 * i, 200, 134 + 25 * i, 225, 20);
  const auto inked = [&](int x, int y) { return static_cast<int>(find_ink(page, Ink::solid).row(y)[x]); };
  EXPECT_EQ(inked(131, 210), 1);
  EXPECT_EQ(inked(140, 210), 0);
  EXPECT_EQ(inked(300, 300), 0);
  fill(130, 200, 700, 225, 225);
  EXPECT_EQ(inked(300, 300), 1) << "nothing else is there";
}

}  // namespace
}  // namespace lectern
