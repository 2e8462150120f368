#include "lines/bullets.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

const std::string bullet = "\xE2\x80\xA2", copyright = "\xC2\xA9", degree = "\xC2\xB0";

// Lines of 24 pixels with a mark of `side` pixels, `white` before the word behind it.
std::vector<std::string> mended(const std::vector<std::string>& marks, int side = 10, int white = 12) {
  TextBlock block;
  std::vector<PageLine> lines;
  for (size_t i = 0; i < marks.size(); ++i) {
    const int top = 100 + 34 * static_cast<int>(i);
    TextLine line;
    line.height = 24;
    line.words = {{50, top + 8, 50 + side, top + 8 + side}, {50 + side + white, top, 300, top + 24}};
    line.box = {50, top, 300, top + 24};
    block.lines.push_back(line);
    lines.push_back({{}, marks[i] + " rope", {{{}, marks[i], {}}, {{}, "rope", {}}}, {}});
  }
  std::vector<std::vector<PageLine>> read = {lines};
  mend_bullets(std::vector<TextBlock>{block}, read);
  std::vector<std::string> texts;
  for (const PageLine& line : read[0]) {
    EXPECT_EQ(line.text, line.words[0].text + " rope");
    texts.push_back(line.words[0].text);
  }
  return texts;
}

TEST(Bullets, AreMendedWhereTheyWereReadAsSigns) {
  EXPECT_EQ(mended({copyright, degree, "\xC2\xAB"}), (std::vector<std::string>{bullet, bullet, bullet}));
  EXPECT_EQ(mended({"o", copyright, "e"}), (std::vector<std::string>{bullet, bullet, bullet}));
}

TEST(Bullets, AreNoSignsAsLargeAsLetters) {
  EXPECT_EQ(mended({copyright, degree}, 18), (std::vector<std::string>{copyright, degree}));
}

TEST(Bullets, AreReadAsLettersInSeveralLines) {
  EXPECT_EQ(mended({"\xC2\xAB", "\xC2\xBB", "o"}), (std::vector<std::string>{bullet, bullet, bullet}));
  EXPECT_EQ(mended({"o"}), std::vector<std::string>{"o"});
  EXPECT_EQ(mended({"\xC2\xAB", "o"}, 10, 6), (std::vector<std::string>{"\xC2\xAB", "o"})) << "close to the word";
}

TEST(Bullets, MayBeLarge) {
  EXPECT_EQ(mended({"@", "@"}, 16), (std::vector<std::string>{bullet, bullet}));
  EXPECT_EQ(mended({"\xC2\xB7", "\xC2\xB7"}, 3), (std::vector<std::string>{"\xC2\xB7", "\xC2\xB7"})) << "points";
}

}  // namespace
}  // namespace lectern
