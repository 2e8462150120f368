#include "layout/word_boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/pages.h"

namespace lectern {
namespace {

constexpr Box whole{0, 0, 1000, 1400};

Block block(const std::string& text, std::vector<Box> boxes, const std::string& label = "text") {
  return {label, std::move(boxes), {}, text};
}

std::string joined(const std::vector<PlacedText>& placed, const std::string& between_lines) {
  std::string out;
  for (const PlacedText& text : placed) {
    for (const PlacedLine& line : text.lines) {
      if (!out.empty()) out += between_lines;
      for (size_t i = 0; i < line.words.size(); ++i) out += (i > 0 ? " " : "") + line.words[i].text;
    }
  }
  return out;
}

bool within(const Box& inner, const Box& outer) {
  constexpr double slack = 1e-6;
  return inner.left >= outer.left - slack && inner.right <= outer.right + slack && inner.top >= outer.top - slack &&
         inner.bottom <= outer.bottom + slack && inner.left < inner.right && inner.top < inner.bottom;
}

TEST(WordBoxes, AreThoseThatWereMeasured) {
  Block found = block("two words", {{10, 10, 200, 60}});
  found.lines = {{{10, 10, 200, 30}, "two words", {{{10, 12, 60, 30}, "two"}, {{70, 10, 1200, 30}, "words"}}},
                 {{10, 40, 20, 60}, "", {}}};
  const std::vector<PlacedText> placed = place_words(found, whole);
  ASSERT_EQ(placed.size(), 1u);
  ASSERT_EQ(placed[0].lines.size(), 1u) << "a line without words is none";
  ASSERT_EQ(placed[0].lines[0].words.size(), 2u);
  EXPECT_EQ(placed[0].lines[0].words[0].box.right, 60);
  EXPECT_EQ(placed[0].lines[0].words[1].text, "words");
  EXPECT_EQ(placed[0].lines[0].words[1].box.right, whole.right) << "within the page";
}

TEST(WordBoxes, FillOneLineFromSideToSide) {
  const auto placed = place_words(block("# Two words", {{100, 50, 500, 80}}), whole);
  ASSERT_EQ(joined(placed, "|"), "Two words");
  const auto& words = placed[0].lines[0].words;
  EXPECT_NEAR(words[0].box.left, 100, 1);
  EXPECT_NEAR(words[0].box.right, 100 + 400.0 * 3 / 9, 1);
  EXPECT_NEAR(words[1].box.right, 500, 1);
  EXPECT_EQ(words[1].box.bottom, 80);
}

TEST(WordBoxes, BreakLinesAsLettersOfUsualShapeWould) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "letters ";
  // 40 words of 8 letters; in lines of 25 pixels a letter is 10 wide, so that 40 of them stand in a line.
  const auto placed = place_words(block(text, {{0, 0, 400, 200}}), whole);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].lines.size(), 8u);
  EXPECT_EQ(placed[0].lines[0].words.size(), 5u);
  EXPECT_NEAR(placed[0].lines[1].box.top, 25, 0.01);
}

TEST(WordBoxes, KeepLinesThatWereWritten) {
  const auto list = place_words(block("- one\n- two and more\n- three", {{0, 0, 300, 60}}), whole);
  EXPECT_EQ(joined(list, "|"), "- one|- two and more|- three");
  const auto flat = place_words(block("a\nb\nc\nd", {{0, 0, 900, 10}}), whole);
  EXPECT_EQ(joined(flat, "|"), "a|b|c|d");
}

TEST(WordBoxes, SpreadOverSeveralBoxes) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "word" + std::to_string(i) + " ";
  const std::vector<Box> boxes = {{0, 0, 200, 100}, {300, 0, 500, 100}};
  const auto placed = place_words(block(text, boxes), whole);
  ASSERT_EQ(placed.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(placed[i].box.left, boxes[i].left);
    EXPECT_GE(placed[i].lines.size(), 3u);
  }
  EXPECT_EQ(joined(placed, " ") + " ", text);
}

TEST(WordBoxes, BreakTextWithoutSpaces) {
  const auto placed = place_words(block("钟表的历史很长很长很长很长", {{0, 0, 100, 60}}), whole);
  EXPECT_GE(placed.at(0).lines.size(), 2u);
  EXPECT_EQ(placed[0].lines[0].words.size(), 1u);
  EXPECT_EQ(joined(placed, ""), "钟表的历史很长很长很长很长");
}

TEST(WordBoxes, RunUpwardWhereABoxIsTooNarrow) {
  const Box margin{10, 300, 40, 700};
  const auto placed = place_words(block("arXiv:2510.01234v1 [cs.CV]", {margin}, "aside_text"), whole);
  ASSERT_EQ(placed.size(), 1u);
  ASSERT_EQ(placed[0].lines.size(), 1u);
  const PlacedLine& line = placed[0].lines[0];
  EXPECT_TRUE(line.upward);
  EXPECT_EQ(line.box.left, 10);
  EXPECT_EQ(line.box.right, 40);
  ASSERT_EQ(line.words.size(), 2u);
  EXPECT_NEAR(line.words[0].box.bottom, 700, 1);
  EXPECT_LT(line.words[1].box.bottom, line.words[0].box.top);
  EXPECT_NEAR(line.words[1].box.top, 300, 1);
  EXPECT_FALSE(place_words(block("a b c d e f g h", {margin}), whole)[0].lines[0].upward);
}

TEST(WordBoxes, StandInTheColumnsAndRowsOfTheirTable) {
  const auto placed = place_words(
      block(
          "<table><tr><td>a</td><td>bb</td><td>877</td></tr><tr><td>a long cell of many words</td><td>b</td><td>9</td>"
          "</tr></table>",
          {{100, 100, 700, 200}}, "table"),
      whole);
  ASSERT_EQ(placed.size(), 1u);
  std::map<std::string, Box> boxes;
  for (const PlacedLine& line : placed[0].lines) {
    EXPECT_TRUE(within(line.box, {100, 100, 700, 200}));
    for (const PlacedWord& word : line.words) boxes[word.text] = word.box;
  }
  ASSERT_EQ(boxes.size(), 10u);
  EXPECT_EQ(joined(placed, "|"), "a|bb|877|a long cell of many words|b|9");
  EXPECT_NEAR(boxes["877"].left, boxes["9"].left, 1);
  EXPECT_NEAR(boxes["bb"].left, boxes["b"].left, 1);
  EXPECT_GT(boxes["bb"].left, boxes["words"].right);
  EXPECT_GT(boxes["877"].left, boxes["bb"].right);
  EXPECT_GE(boxes["9"].top, boxes["877"].bottom);
  // Merged cells reach over the columns and rows that they cover.
  const auto merged = place_words(
      block("<table><tr><td rowspan=2>r</td><td>x</td></tr><tr><td>y</td></tr></table>", {{0, 0, 100, 100}}, "table"),
      whole);
  ASSERT_EQ(merged.at(0).lines.size(), 3u);
  EXPECT_EQ(merged[0].lines[2].words[0].box.left, merged[0].lines[1].words[0].box.left);
  // A caption stands above.
  const auto captioned =
      place_words(block("Caption\n<table><tr><td>x</td></tr></table>", {{0, 0, 100, 100}}, "table"), whole);
  EXPECT_EQ(joined(captioned, "|"), "Caption|x");
  EXPECT_GE(captioned.at(1).lines.at(0).box.top, captioned[0].lines.at(0).box.bottom);
}

TEST(WordBoxes, StandInTheLinesOfTheInk) {
  Picture page(1000, 1400);
  std::ranges::fill(page.rgb, uint8_t{255});
  for (const int top : {110, 200}) {
    for (int x = 120; x < (top == 110 ? 800 : 400); x += 20) {
      for (int y = top; y < top + 40; ++y) std::fill_n(page.row(y) + x * 3, 12 * 3, uint8_t{0});
    }
  }
  const PageInk ink(page);
  const auto placed = place_words(block("# A title of two lines", {{100, 100, 820, 260}}, "title"), whole, &ink);
  ASSERT_EQ(placed.size(), 1u);
  ASSERT_EQ(placed[0].lines.size(), 2u);
  EXPECT_NEAR(placed[0].lines[0].box.top, 110, 3);
  EXPECT_NEAR(placed[0].lines[0].box.bottom, 150, 3);
  EXPECT_NEAR(placed[0].lines[1].box.top, 200, 3);
  EXPECT_NEAR(placed[0].lines[1].box.right, 392, 5);
  EXPECT_EQ(joined(placed, "|"), "A title of two|lines");
}

TEST(WordBoxes, RunFromRightToLeftWhereTheirScriptDoes) {
  const auto placed = place_words(block("שלום עולם 24", {{100, 50, 500, 80}}), whole);
  const auto& words = placed.at(0).lines.at(0).words;
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0].text, "שלום");
  EXPECT_EQ(words[0].visual, "םולש");
  EXPECT_NEAR(words[0].box.right, 500, 1);
  EXPECT_LT(words[1].box.right, words[0].box.left);
  EXPECT_LT(words[2].box.right, words[1].box.left);
  EXPECT_EQ(words[2].visual, "");
}

TEST(WordBoxes, StandWhereTheyHaveABoxOfTheirOwn) {
  const Layout layout = parse_layout(
      "A <|ref|>black cat<|/ref|><|det|>[[10, 10, 200, 30]]<|/det|> sits on a <|ref|>mat<|/ref|><|det|>[[300, 300, "
      "600, "
      "600]]<|/det|>.",
      999, 999);
  const auto placed = place_words(layout.blocks.at(0), {0, 0, 999, 999});
  std::map<std::string, Box> boxes;
  for (const PlacedText& text : placed) {
    for (const PlacedLine& line : text.lines) {
      for (const PlacedWord& word : line.words) {
        EXPECT_TRUE(within(word.box, line.box));
        boxes[word.text] = word.box;
      }
    }
  }
  EXPECT_NEAR(boxes["black"].left, 10, 0.01);
  EXPECT_NEAR(boxes["cat"].right, 200, 0.01);
  EXPECT_NEAR(boxes["mat."].left, 300, 0.01);
  EXPECT_NEAR(boxes["mat."].bottom, 600, 0.01);
  EXPECT_EQ(joined(placed, " "), "A black cat sits on a mat.");
}

TEST(WordBoxes, GoNotBeyondThePage) {
  const auto placed = place_words(block("a\nb\nc\nd\ne\nf\ng", {}), {0, 0, 1240, 1754});
  for (const PlacedLine& line : placed.at(0).lines) EXPECT_LE(line.box.bottom, 1754);
}

TEST(WordBoxes, NeedNoBoxAndNoText) {
  const auto placed = place_words(block("Some text", {}), whole);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].box.bottom, 1400);
  EXPECT_TRUE(place_words(block(" \n ", {{0, 0, 10, 10}}), whole).empty());
  EXPECT_TRUE(place_words(block("", {{0, 0, 10, 10}}, "image"), whole).empty());
}

TEST(WordBoxes, StayWithinTheirBlockAndKeepEveryWord) {
  std::mt19937 random(3);
  const auto below = [&](int count) { return std::uniform_int_distribution<int>(0, count - 1)(random); };
  for (int round = 0; round < 500; ++round) {
    std::string text, expected;
    for (int i = below(60) + 1; i > 0; --i) {
      const std::string word(static_cast<size_t>(below(below(10) == 0 ? 200 : 12) + 1), 'x');
      expected += word;
      text += word + (below(8) == 0 ? "\n" : " ");
    }
    std::vector<Box> boxes;
    for (int i = below(4) + 1; i > 0; --i) {
      const double left = below(900), top = below(1300);
      boxes.push_back({left, top, left + 1 + below(100), top + 1 + below(100)});
    }
    const auto placed = place_words(block(text, boxes), whole);
    std::string found;
    for (const PlacedText& part : placed) {
      for (const PlacedLine& line : part.lines) {
        ASSERT_TRUE(within(line.box, part.box)) << text;
        for (const PlacedWord& word : line.words) {
          ASSERT_TRUE(within(word.box, line.box)) << text;
          found += word.text;
        }
      }
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(WordBoxes, TakeTimeInProportionToTheText) {
  std::string text;
  while (text.size() < 1'000'000) text += "word ";
  EXPECT_FALSE(place_words(block(text, {{0, 0, 1000, 10}}), whole).empty());
  EXPECT_FALSE(place_words(block(std::string(500'000, 'x'), {{0, 0, 1, 1000}}), whole).empty());
  std::string lines;
  while (lines.size() < 500'000) lines += "x\n";
  EXPECT_FALSE(place_words(block(lines, std::vector<Box>(100'000, Box{0, 0, 10, 10})), whole).empty());
  std::string table = "<table>";
  for (int i = 0; i < 20'000; ++i) table += "<tr><td>a b<td>c";
  EXPECT_FALSE(place_words(block(table, {{0, 0, 1000, 1000}}, "table"), whole).empty());
}

}  // namespace
}  // namespace lectern
