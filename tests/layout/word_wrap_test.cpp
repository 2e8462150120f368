#include "layout/word_wrap.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

std::vector<std::string> lines_of(const std::vector<PlacedText>& placed) {
  std::vector<std::string> lines;
  for (const PlacedText& text : placed) {
    for (const PlacedLine& line : text.lines) {
      std::string& joined = lines.emplace_back();
      for (const PlacedWord& word : line.words) joined += (joined.empty() ? "" : " ") + word.text;
    }
  }
  return lines;
}

TEST(WordWrap, WordsKnowTheirWidthAndWhatStandsBeforeThem) {
  const std::vector<Word> words = words_of("  one two\nthree 字面");
  ASSERT_EQ(words.size(), 5u);
  EXPECT_FALSE(words[0].space || words[0].new_line);
  EXPECT_TRUE(words[1].space && !words[1].new_line);
  EXPECT_TRUE(words[2].space && words[2].new_line);
  EXPECT_EQ(words[3].width, 2);
  EXPECT_FALSE(words[4].space) << "a line may break between wide characters";
  EXPECT_EQ(letters_of(words), 3 + 1 + 3 + 1 + 5 + 1 + 2 + 2);
}

TEST(WordWrap, LinesFillTheBoxesInOrder) {
  const std::vector<Box> boxes = {{0, 0, 100, 20}, {0, 40, 100, 60}};
  const std::vector<PlacedText> placed = wrap_words(words_of("aaaa bbbb cccc dddd"), boxes, nullptr);
  ASSERT_EQ(placed.size(), 2u);
  EXPECT_EQ(lines_of(placed), (std::vector<std::string>{"aaaa bbbb", "cccc dddd"}));
  for (size_t i = 0; i < placed.size(); ++i) {
    EXPECT_EQ(placed[i].box.top, boxes[i].top);
    for (const PlacedLine& line : placed[i].lines) {
      EXPECT_GE(line.box.top, boxes[i].top);
      EXPECT_LE(line.box.bottom, boxes[i].bottom);
      EXPECT_LE(line.words.back().box.right, boxes[i].right);
    }
  }
}

TEST(WordWrap, WrittenLinesStayLines) {
  const std::vector<PlacedText> placed = wrap_words(words_of("a\nb\nc"), {{0, 0, 300, 60}}, nullptr);
  EXPECT_EQ(lines_of(placed), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(WordWrap, LettersAreNoWiderThanAllowed) {
  const std::vector<PlacedText> placed = wrap_words(words_of("ab"), {{0, 0, 300, 20}}, nullptr, 5);
  EXPECT_EQ(placed.at(0).lines.at(0).words.at(0).box.right, 10);
}

TEST(WordWrap, WordsRunUpwardInTallNarrowBoxes) {
  EXPECT_TRUE(runs_upward({{0, 0, 20, 400}}, words_of("arXiv:2510.18234v1 21 Oct 2025")));
  EXPECT_FALSE(runs_upward({{0, 0, 400, 20}}, words_of("arXiv:2510.18234v1 21 Oct 2025")));
}

}  // namespace
}  // namespace lectern
