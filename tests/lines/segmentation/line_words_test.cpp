#include "lines/segmentation/line_words.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace lectern {
namespace {

// Letters 12 wide in cells of 16; a quote is two narrow strokes.
std::vector<PixelBox> typed(std::string_view text) {
  std::vector<PixelBox> letters;
  int x = 100;
  for (const char c : text) {
    if (c == '"') {
      letters.push_back({x + 4, 100, x + 6, 107});
      letters.push_back({x + 10, 100, x + 12, 107});
    } else if (c != ' ') {
      letters.push_back({x + 2, 100, x + 14, 120});
    }
    x += 16;
  }
  return letters;
}

TEST(LineWords, PartsWordsAtTheWhiteBetweenThem) {
  const TextLine line = line_of(std::vector<PixelBox>{{10, 100, 20, 120}, {23, 100, 33, 120}, {45, 100, 55, 120}}, 20);
  ASSERT_EQ(line.words.size(), 2u);
  EXPECT_EQ(line.words[0].right, 33);
  EXPECT_EQ(line.box.right, 55);
  EXPECT_EQ(line.pitch, 0);
}

TEST(LineWords, TellsTheHeightOfMostLetters) {
  const std::vector<PixelBox> letters = {{10, 100, 20, 120}, {23, 107, 33, 120}, {36, 107, 46, 120},
                                         {49, 107, 59, 120}, {62, 117, 64, 120}, {66, 117, 68, 120},
                                         {70, 117, 72, 120}, {74, 117, 76, 120}, {78, 117, 80, 120}};
  EXPECT_EQ(line_of(letters, 20).letter, 13) << "points do not count";
}

TEST(LineWords, FindsTheWidthOfTypedLetters) {
  EXPECT_NEAR(line_of(typed("some words typed"), 20).pitch, 16, 0.1);
  EXPECT_EQ(line_of(typed("a few"), 20).pitch, 0) << "too short to tell";
}

TEST(LineWords, TakesAWidthThatOtherLinesTold) {
  const TextLine line = line_of(typed("a = \"\""), 20, 16);
  EXPECT_EQ(line.pitch, 16);
  EXPECT_EQ(line.words.size(), 3u);
  const std::vector<PixelBox> printed = {{10, 100, 13, 120}, {15, 100, 30, 120}, {33, 100, 39, 120},
                                         {41, 100, 55, 120}, {58, 100, 61, 120}, {64, 100, 77, 120}};
  EXPECT_EQ(line_of(printed, 20, 16).pitch, 0) << "it is not typed";
}

}  // namespace
}  // namespace lectern
