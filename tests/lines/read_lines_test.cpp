#include "lines/read_lines.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lectern {
namespace {

TextLine line(int top, std::vector<PixelBox> words) {
  TextLine line;
  line.height = 20;
  line.box = {words.front().left, top, words.back().right, top + 20};
  line.words = std::move(words);
  return line;
}

TextPage page_of(std::vector<TextLine> lines, BlockKind kind = BlockKind::text) {
  TextPage page;
  page.picture = Picture(400, 300);
  TextBlock block;
  block.kind = kind;
  block.box = lines.front().box;
  for (const TextLine& line : lines) block.box.include(line.box);
  block.lines = std::move(lines);
  page.blocks.push_back(std::move(block));
  return page;
}

TextPiece piece(size_t line, size_t first_word, size_t words, const PixelBox& box, bool continues = false) {
  TextPiece piece;
  piece.line = line, piece.first_word = first_word, piece.words = words, piece.box = box, piece.continues = continues;
  return piece;
}

TEST(ReadLines, SplitsTheTextOfAViewIntoItsRows) {
  const auto rows = [](const std::string& text, size_t count) {
    std::vector<std::string> texts;
    for (const RowText& row : split_rows({text}, count).value_or(std::vector<RowText>{})) texts.push_back(row.text);
    return texts;
  };
  EXPECT_EQ(rows("one\n two \nthree\n", 3), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(rows("one\n\nthree", 3), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_FALSE(split_rows({"one\ntwo"}, 3));
  EXPECT_FALSE(split_rows({"one\ntwo"}, 1));
  EXPECT_FALSE(split_rows({""}, 1));
}

TEST(ReadLines, SplitsTheScoresWithTheText) {
  const std::optional<std::vector<RowText>> rows = split_rows({"a\n bc", {-1, -2, -3, -4, -5}}, 2);
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[0].scores, std::vector<float>{-1});
  EXPECT_EQ((*rows)[1].scores, (std::vector<float>{-4, -5}));
}

TEST(ReadLines, SaysHowSureWordsAndLinesAre) {
  const float half = std::log(0.5F);
  const TextPage page = page_of({line(50, {{10, 50, 60, 70}, {70, 50, 90, 70}}), line(80, {{10, 80, 160, 100}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 2, {10, 50, 90, 70}), piece(1, 0, 1, {10, 80, 90, 100}, true),
                                         piece(1, 0, 1, {90, 80, 160, 100})};
  const std::vector<Block> blocks =
      read_blocks(page, pieces, {{"ab c", {half, half, 0, 0}}, {"de", {half, 0}}, {"f", {half}}});
  const std::vector<PageLine>& lines = blocks[0].lines;
  EXPECT_NEAR(*lines[0].words[0].confidence, 0.25, 1e-6);
  EXPECT_NEAR(*lines[0].words[1].confidence, 1, 1e-6);
  EXPECT_NEAR(*lines[0].confidence, 0.625, 1e-6);
  ASSERT_EQ(lines[1].words.size(), 1u);
  EXPECT_NEAR(*lines[1].words[0].confidence, 0.25, 1e-6) << "both of its pieces must be right";
  EXPECT_NEAR(*blocks[0].confidence, 0.5, 1e-6);
  EXPECT_FALSE(read_blocks(page, pieces, {{"ab c"}, {"de"}, {"f"}})[0].confidence);
}

TEST(ReadLines, PutsWordsIntoTheirBoxes) {
  const TextPage page = page_of({line(50, {{10, 50, 60, 70}, {70, 50, 90, 70}, {100, 50, 200, 70}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 2, {10, 50, 90, 70}), piece(0, 2, 1, {100, 50, 200, 70})};
  const std::vector<Block> blocks = read_blocks(page, pieces, {{"five to"}, {"twelve"}});
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].text, "five to twelve");
  ASSERT_EQ(blocks[0].lines.size(), 1u);
  const std::vector<PageWord>& words = blocks[0].lines[0].words;
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[1].text, "to");
  EXPECT_EQ(words[1].box.left, 70);
  EXPECT_EQ(words[1].box.right, 90);
  EXPECT_EQ(words[2].box.left, 100);
}

TEST(ReadLines, SpreadsWordsWhereTheirNumberDiffers) {
  const TextPage page = page_of({line(50, {{10, 50, 110, 70}})});
  const std::vector<Block> blocks = read_blocks(page, {piece(0, 0, 1, {10, 50, 110, 70})}, {{"abcd efghi"}});
  const std::vector<PageWord>& words = blocks[0].lines[0].words;
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].box.left, 10);
  EXPECT_EQ(words[0].box.right, 50);
  EXPECT_EQ(words[1].box.left, 60);
  EXPECT_EQ(words[1].box.right, 110);
}

TEST(ReadLines, JoinsLinesAndMendsPartedWords) {
  const TextPage page =
      page_of({line(50, {{10, 50, 390, 70}}), line(80, {{10, 80, 390, 100}}), line(110, {{10, 110, 110, 130}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 390, 70}), piece(1, 0, 1, {10, 80, 390, 100}),
                                         piece(2, 0, 1, {10, 110, 110, 130})};
  EXPECT_EQ(read_blocks(page, pieces, {{"a con-"}, {"tinued text"}, {"ends"}})[0].text, "a continued text ends");
  EXPECT_EQ(read_blocks(page, pieces, {{"from 3 -"}, {"5 and A-"}, {"Z"}})[0].text, "from 3 - 5 and A- Z");
}

TEST(ReadLines, KeepsTheLinesOfALabel) {
  const TextPage page = page_of({line(50, {{10, 50, 150, 70}}), line(80, {{10, 80, 140, 100}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 150, 70}), piece(1, 0, 1, {10, 80, 140, 100})};
  EXPECT_EQ(read_blocks(page, pieces, {{"Museum"}, {"open daily"}})[0].text, "Museum\nopen daily");
}

TEST(ReadLines, BeginsALineWithEveryItemOfAList) {
  const TextPage page =
      page_of({line(50, {{10, 50, 390, 70}}), line(80, {{10, 80, 390, 100}}), line(110, {{10, 110, 300, 130}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 390, 70}), piece(1, 0, 1, {10, 80, 390, 100}),
                                         piece(2, 0, 1, {10, 110, 300, 130})};
  EXPECT_EQ(read_blocks(page, pieces, {{"1. See Box"}, {"14. for more"}, {"2. Archive"}})[0].text,
            "1. See Box 14. for more\n2. Archive");
  EXPECT_EQ(read_blocks(page, pieces, {{"in the year"}, {"2. the king"}, {"3) left"}})[0].text,
            "in the year 2. the king 3) left");
}

TEST(ReadLines, KeepsCentredLinesApart) {
  const TextPage page =
      page_of({line(50, {{60, 50, 340, 70}}), line(80, {{10, 80, 390, 100}}), line(110, {{100, 110, 300, 130}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {60, 50, 340, 70}), piece(1, 0, 1, {10, 80, 390, 100}),
                                         piece(2, 0, 1, {100, 110, 300, 130})};
  EXPECT_EQ(read_blocks(page, pieces, {{"A Grocery"}, {"14 Mill Lane, Ashford"}, {"Kent"}})[0].text,
            "A Grocery\n14 Mill Lane, Ashford\nKent");
}

TEST(ReadLines, KeepsLinesApartThatAllBeginInCapitals) {
  const TextPage page =
      page_of({line(50, {{10, 50, 320, 70}}), line(80, {{10, 80, 350, 100}}), line(110, {{10, 110, 340, 130}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 320, 70}), piece(1, 0, 1, {10, 80, 350, 100}),
                                         piece(2, 0, 1, {10, 110, 340, 130})};
  EXPECT_EQ(read_blocks(page, pieces, {{"A GROCERY"}, {"14 Mill Lane, Ashford"}, {"Tel. 01233"}})[0].text,
            "A GROCERY\n14 Mill Lane, Ashford\nTel. 01233");
  EXPECT_EQ(read_blocks(page, pieces, {{"It was on a"}, {"Monday that we saw"}, {"(as \xC3\xBC"}})[0].text,
            "It was on a Monday that we saw (as \xC3\xBC")
      << "running text";
}

TEST(ReadLines, MarksTitlesAsMarkdown) {
  const TextPage page = page_of({line(50, {{10, 50, 150, 70}})}, BlockKind::title);
  const Block block = read_blocks(page, {piece(0, 0, 1, {10, 50, 150, 70})}, {{"Annual report"}})[0];
  EXPECT_EQ(block.label, "title");
  EXPECT_EQ(block.text, "# Annual report");
}

TEST(ReadLines, KeepsLinesThatAreNotFull) {
  const TextPage page = page_of({line(50, {{10, 50, 150, 70}}), line(80, {{10, 80, 390, 100}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 150, 70}), piece(1, 0, 1, {10, 80, 390, 100})};
  EXPECT_EQ(read_blocks(page, pieces, {{"Dear Sir,"}, {"thank you for your letter"}})[0].text,
            "Dear Sir,\nthank you for your letter");
}

TEST(ReadLines, KeepsALineBreakBeforeAWordThatHadRoom) {
  const auto text = [](int second_word) {
    const TextPage page = page_of(
        {line(50, {{10, 50, 330, 70}}), line(80, {{10, 80, second_word, 100}, {second_word + 10, 80, 390, 100}})});
    return read_blocks(page, {piece(0, 0, 1, {10, 50, 330, 70}), piece(1, 0, 2, {10, 80, 390, 100})},
                       {{"12 Mill Lane"}, {"a town"}})[0]
        .text;
  };
  EXPECT_EQ(text(20), "12 Mill Lane\na town");
  EXPECT_EQ(text(80), "12 Mill Lane a town");
}

TEST(ReadLines, JoinsTheLinesOfATitleOfOneCase) {
  const TextPage page = page_of({line(50, {{10, 50, 190, 70}}), line(80, {{30, 80, 170, 100}})}, BlockKind::title);
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 190, 70}), piece(1, 0, 1, {30, 80, 170, 100})};
  EXPECT_EQ(read_blocks(page, pieces, {{"Lamps of the"}, {"North Coast"}})[0].text, "# Lamps of the North Coast");
  EXPECT_EQ(read_blocks(page, pieces, {{"CORNER GROCERY"}, {"14 Mill Lane"}})[0].text,
            "# CORNER GROCERY\n14 Mill Lane");
}

TEST(ReadLines, WritesCodeLineByLineAsItIsIndented) {
  std::vector<TextLine> lines = {line(50, {{10, 50, 330, 70}}), line(80, {{50, 80, 390, 100}}),
                                 line(110, {{50, 110, 330, 130}}), line(140, {{10, 140, 20, 160}})};
  for (size_t i = 0; i < 3; ++i) lines[i].pitch = 10;
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 330, 70}), piece(1, 0, 1, {50, 80, 390, 100}),
                                         piece(2, 0, 1, {50, 110, 330, 130}), piece(3, 0, 1, {10, 140, 20, 160})};
  const std::vector<RowText> code = {{"int twice(int a) {"}, {"const int b = 2 * a;"}, {"return b;"}, {"}"}};
  const Block block = read_blocks(page_of(lines), pieces, code)[0];
  EXPECT_EQ(block.label, "code");
  EXPECT_EQ(block.text, "int twice(int a) {\n    const int b = 2 * a;\n    return b;\n}");
  const std::vector<RowText> letter = {
      {"Dear Madam, we have received"}, {"your order of the third, which"}, {"will be sent to you tomorrow."}, {"Y"}};
  EXPECT_EQ(read_blocks(page_of(lines), pieces, letter)[0].text,
            "Dear Madam, we have received\n\nyour order of the third, which will be sent to you tomorrow.\nY");
  lines[0].pitch = 0;
  EXPECT_EQ(read_blocks(page_of(lines), pieces, code)[0].label, "text") << "not all of one width";
}

TEST(ReadLines, KeepsTheSpacesOfCode) {
  std::vector<TextLine> lines = {line(50, {{10, 50, 20, 70}, {70, 50, 230, 70}}), line(80, {{10, 80, 20, 100}})};
  for (TextLine& line : lines) line.pitch = 10;
  const std::vector<TextPiece> pieces = {piece(0, 0, 2, {10, 50, 230, 70}), piece(1, 0, 1, {10, 80, 20, 100})};
  EXPECT_EQ(read_blocks(page_of(lines), pieces, {{"{ call(arguments);"}, {"}"}})[0].text, "{     call(arguments);\n}");
}

TEST(ReadLines, BeginsALineWithEveryBullet) {
  const TextPage page = page_of({line(50, {{10, 50, 380, 70}}), line(80, {{10, 80, 390, 100}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 380, 70}), piece(1, 0, 1, {10, 80, 390, 100})};
  EXPECT_EQ(read_blocks(page, pieces, {{"\xE2\x80\xA2 take water"}, {"\xE2\x80\xA2 and a map"}})[0].text,
            "\xE2\x80\xA2 take water\n\xE2\x80\xA2 and a map");
  EXPECT_EQ(read_blocks(page, pieces, {{"\xE2\x80\xA2 take water"}, {"and a map"}})[0].text,
            "\xE2\x80\xA2 take water and a map");
}

TEST(ReadLines, TakesFiguresAloneForNoTitle) {
  const TextPage page = page_of({line(50, {{10, 50, 150, 70}})}, BlockKind::title);
  const Block block = read_blocks(page, {piece(0, 0, 1, {10, 50, 150, 70})}, {{"(17)"}})[0];
  EXPECT_EQ(block.label, "text");
  EXPECT_EQ(block.text, "(17)");
}

TEST(ReadLines, JoinsPiecesOfOneWord) {
  const TextPage page = page_of({line(50, {{10, 50, 310, 70}})});
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 160, 70}, true), piece(0, 0, 1, {160, 50, 310, 70})};
  const std::vector<Block> blocks = read_blocks(page, pieces, {{"Donau"}, {"dampf"}});
  ASSERT_EQ(blocks[0].lines[0].words.size(), 1u);
  EXPECT_EQ(blocks[0].lines[0].words[0].text, "Donaudampf");
  EXPECT_EQ(blocks[0].lines[0].words[0].box.right, 310);
}

TEST(ReadLines, WritesTablesWithEveryCell) {
  TextPage page =
      page_of({line(50, {{10, 50, 60, 70}}), line(50, {{200, 50, 260, 70}}), line(80, {{200, 80, 260, 100}})},
              BlockKind::table);
  page.blocks[0].cells = {{0, 0}, {0, 1}, {1, 1}};
  const std::vector<TextPiece> pieces = {piece(0, 0, 1, {10, 50, 60, 70}), piece(1, 0, 1, {200, 50, 260, 70}),
                                         piece(2, 0, 1, {200, 80, 260, 100})};
  const std::vector<Block> blocks = read_blocks(page, pieces, {{"a<b"}, {"R&D"}, {"7"}});
  EXPECT_EQ(blocks[0].label, "table");
  EXPECT_EQ(blocks[0].text, "<table><tr><td>a&lt;b</td><td>R&amp;D</td></tr><tr><td></td><td>7</td></tr></table>");
}

TEST(ReadLines, WritesAListInColumnsAsItGoesDown) {
  std::vector<TextLine> lines;
  std::vector<TextPiece> pieces;
  std::vector<RowText> texts;
  const std::vector<std::string> trees = {"Alder", "Ash", "Beech", "Elm", "Fir", "Lime", "Oak", "Pine"};
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 2; ++column) {
      const PixelBox box = {10 + 200 * column, 50 + 30 * row, 110 + 200 * column, 70 + 30 * row};
      pieces.push_back(piece(lines.size(), 0, 1, box));
      lines.push_back(line(box.top, {box}));
      texts.push_back({trees[static_cast<size_t>(4 * column + row)]});
    }
  }
  TextPage page = page_of(lines, BlockKind::table);
  for (int i = 0; i < 8; ++i) page.blocks[0].cells.push_back({i / 2, i % 2});
  const Block block = read_blocks(page, pieces, texts)[0];
  EXPECT_EQ(block.label, "text");
  EXPECT_EQ(block.text, "Alder\nAsh\nBeech\nElm\nFir\nLime\nOak\nPine");
  EXPECT_EQ(block.lines[3].text, "Elm");
  EXPECT_EQ(block.lines[3].box.top, 140);
}

TEST(ReadLines, TurnsBoxesBackWithThePage) {
  TextPage page = page_of({line(50, {{90, 50, 110, 70}})});
  page.angle = 10;  // the page was turned clockwise: the place lies counter-clockwise of where it was found
  const Box box = read_blocks(page, {piece(0, 0, 1, {90, 50, 110, 70})}, {{"word"}})[0].boxes[0];
  EXPECT_NEAR((box.left + box.right) / 2, 200 - 100 * std::cos(0.17453) - 90 * std::sin(0.17453), 0.5);
  EXPECT_NEAR((box.top + box.bottom) / 2, 150 + 100 * std::sin(0.17453) - 90 * std::cos(0.17453), 0.5);
}

TEST(ReadLines, LeavesBlocksOutThatHoldNoText) {
  const TextPage page = page_of({line(50, {{10, 50, 110, 70}})});
  EXPECT_TRUE(read_blocks(page, {piece(0, 0, 1, {10, 50, 110, 70})}, {{""}}).empty());
}

}  // namespace
}  // namespace lectern
