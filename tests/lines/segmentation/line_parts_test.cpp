#include "lines/segmentation/line_parts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace lectern {
namespace {

// Letters of 10 x 20 pixels, 3 apart, of words of so many letters, 9 apart.
void write(Letters& letters, int x, int y, std::initializer_list<int> words) {
  for (const int word : words) {
    for (int i = 0; i < word; ++i, x += 13) letters.letters.push_back({x, y, x + 10, y + 20});
    x += 6;
  }
}

Letters sorted(Letters letters) {
  letters.height = 20;
  std::ranges::sort(letters.letters, {}, &PixelBox::left);
  return letters;
}

TEST(LineParts, JoinsLettersToLinesAndWords) {
  Letters letters;
  write(letters, 10, 100, {4, 2, 5});
  write(letters, 10, 130, {3, 3});
  std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].words.size(), 3u);
  EXPECT_EQ(lines[1].words.size(), 2u);
  EXPECT_EQ(lines[0].box.left, 10);
  EXPECT_EQ(lines[0].height, 20);
}

TEST(LineParts, TakesMarksIntoTheirLine) {
  Letters letters;
  write(letters, 10, 100, {4});
  letters.marks.push_back({64, 116, 67, 122});    // a comma behind the word
  letters.marks.push_back({400, 100, 403, 103});  // a speck far away
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].box.right, 67);
  EXPECT_EQ(lines[0].height, 20);
  EXPECT_EQ(lines[0].words.size(), 1u);
}

TEST(LineParts, TakesSignsBehindASpaceIntoALineWithoutTallLetters) {
  Letters letters;
  write(letters, 10, 100, {4});
  letters.marks = {{83, 108, 95, 110}, {83, 113, 95, 115}};  // as far behind as a typewriter's space
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].box.right, 95);
}

TEST(LineParts, TakesAQuoteIntoTheLineThatItBegins) {
  Letters letters;
  write(letters, 10, 100, {4, 4});
  write(letters, 30, 126, {4, 4});
  letters.marks = {{20, 126, 22, 133}, {24, 126, 26, 133}};  // closer to the line above than to its letter
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].box.bottom, 120);
  EXPECT_EQ(lines[1].box.left, 20);
}

TEST(LineParts, TakesSeveralQuotesIntoTheLineThatTheyBegin) {
  Letters letters;
  write(letters, 10, 100, {4, 4, 4});
  write(letters, 60, 126, {4, 4});
  for (const int x : {24, 30, 36, 42, 48, 54}) letters.marks.push_back({x, 126, x + 2, 133});
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].box.left, 24);
}

TEST(LineParts, FindsWordsWhoseLettersTouch) {
  Letters letters;  // words of one piece, with narrow gaps between them, and one letter by itself in each
  for (int word = 0; word < 6; ++word) {
    letters.letters.push_back({100 * word, 100, 100 * word + 94, 120});
    letters.letters.push_back({100 * word + 95, 100, 100 * word + 97, 120});
  }
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].words.size(), 6u);
}

TEST(LineParts, FindsWordsOfOneLetterAmongFew) {
  Letters letters;  // as in "2 x tea"
  for (const int x : {10, 28, 46, 59, 72}) letters.letters.push_back({x, 100, x + 10, 120});
  EXPECT_EQ(find_line_parts(sorted(letters)).at(0).words.size(), 3u);
}

TEST(LineParts, PartsLinesAtAGutterAndNotAtOneWideGap) {
  Letters columns;
  for (int i = 0; i < 4; ++i) {
    write(columns, 10, 100 + 30 * i, {4, 4});
    write(columns, 144, 100 + 30 * i, {4, 4});  // 24 pixels behind the other column
  }
  EXPECT_EQ(find_line_parts(sorted(columns)).size(), 8u);
  Letters once;
  write(once, 10, 100, {4, 4});
  write(once, 144, 100, {4, 4});
  for (int i = 1; i < 4; ++i) write(once, 10, 100 + 30 * i, {4, 4, 4, 4});
  EXPECT_EQ(find_line_parts(sorted(once)).size(), 4u);
}

TEST(LineParts, SeeNoGutterBecauseOfAFartherColumn) {
  Letters letters;
  write(letters, 10, 100, {4});
  write(letters, 90, 100, {4});  // 27 pixels behind the word before
  for (int i = 1; i < 4; ++i) write(letters, 10, 100 + 30 * i, {4});
  for (int i = 0; i < 4; ++i) write(letters, 400, 100 + 30 * i, {4, 4, 4});
  EXPECT_EQ(find_line_parts(sorted(letters)).size(), 8u);
}

TEST(LineParts, FindsWordsOfATypewriter) {
  Letters letters;  // narrow letters leave wide gaps, a cell of 16 pixels each
  int cell = 0;
  for (const char letter : std::string("mill in till fill minim")) {
    const int width = letter == 'm' || letter == 'n' ? 14 : 4, x = 100 + 16 * cell++;
    if (letter != ' ') letters.letters.push_back({x + (16 - width) / 2, 100, x + (16 + width) / 2, 120});
  }
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].words.size(), 5u);
}

TEST(LineParts, SeesNoGutterInSpacesOfATypewriter) {
  const auto written = [](std::initializer_list<std::string> rows) {
    Letters letters;
    int y = 100;
    for (const std::string& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        const int x = 100 + 16 * static_cast<int>(i);
        if (row[i] != ' ') letters.letters.push_back({x + 2, y, x + 13, y + 20});
      }
      y += 30;
    }
    return find_line_parts(sorted(letters));
  };
  const std::vector<TextLine> lines = written({"raise error now", "split these two", "hello words ten"});
  ASSERT_EQ(lines.size(), 3u) << "one space is at one place in all lines";
  EXPECT_NEAR(lines[0].pitch, 16, 0.1);
  EXPECT_EQ(written({"raise  error now", "split  these two", "hello  words ten"}).size(), 6u);
}

TEST(LineParts, JoinsWhatOnlyMarksPart) {
  Letters letters;
  write(letters, 10, 100, {4});
  write(letters, 110, 100, {4});  // 51 pixels on, with quotes and a colon between
  for (const int x : {66, 76, 86, 96}) letters.marks.push_back({x, 100, x + 3, 106});
  EXPECT_EQ(find_line_parts(sorted(letters)).size(), 1u);
  letters.marks.clear();
  EXPECT_EQ(find_line_parts(sorted(letters)).size(), 2u);
}

TEST(LineParts, FindsSmallPrintBesideLargerLetters) {
  Letters letters;
  write(letters, 10, 100, {4});
  for (int i = 0; i < 4; ++i) letters.marks.push_back({200 + 8 * i, 106, 206 + 8 * i, 115});
  letters.marks.push_back({400, 112, 403, 115});
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(std::max(lines[0].box.left, lines[1].box.left), 200);
}

TEST(LineParts, TakesPiecesOfBrokenLettersIntoATitle) {
  Letters letters;
  for (const int x : {10, 50, 97, 130}) letters.letters.push_back({x, 100, x + 30, 160});
  letters.letters.push_back({83, 128, 86, 142});
  letters.letters.push_back({90, 125, 93, 145});  // as high as letters of the text
  write(letters, 10, 200, {4, 4});
  const std::vector<TextLine> lines = find_line_parts(sorted(letters));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].words.size(), 1u);
  EXPECT_EQ(lines[0].box.bottom, 160);
}

TEST(LineParts, LeavesWordsBesideAnInitialTheirOwnLines) {
  Letters letters;
  letters.letters.push_back({10, 100, 80, 200});
  for (const int top : {105, 145, 185}) {
    for (int i = 0; i < 5; ++i) letters.letters.push_back({100 + 13 * i, top, 110 + 13 * i, top + 14});
  }
  EXPECT_EQ(find_line_parts(sorted(letters)).size(), 4u);
}

TEST(LineParts, PartsEntriesOfAMenuThoughNoOtherLineIsNear) {
  Letters letters;
  write(letters, 10, 100, {5, 4});
  write(letters, 161, 100, {4, 3});  // 28 pixels behind the word before
  EXPECT_EQ(find_line_parts(sorted(letters)).size(), 2u);
  Letters wide;
  for (const int x : {10, 90, 170, 250}) write(wide, x, 100, {4});  // as far apart, all of them
  EXPECT_EQ(find_line_parts(sorted(wide)).size(), 1u);
}

TEST(LineParts, FindsNoneWithoutLetters) { EXPECT_TRUE(find_line_parts({}).empty()); }

}  // namespace
}  // namespace lectern
