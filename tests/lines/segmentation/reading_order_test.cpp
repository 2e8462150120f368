#include "lines/segmentation/reading_order.h"

#include <gtest/gtest.h>

#include <vector>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::column;
using testing::line;
using testing::operator+;

TEST(ReadingOrder, ReadsColumnsOfOtherPitchesOneAfterTheOther) {
  const std::vector<TextBlock> blocks = arrange(column(400, 700, 103, 8, 30) + column(50, 350, 100, 10, 27));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].lines.size(), 10u);
  EXPECT_EQ(blocks[0].box.left, 50);
  EXPECT_EQ(blocks[1].lines.size(), 8u);
}

TEST(ReadingOrder, ReadsAHeadingAcrossTheColumnsBetweenThem) {
  const std::vector<TextBlock> blocks =
      arrange(column(50, 350, 100, 5) + column(400, 700, 100, 5) + std::vector{line(60, 270, 680)} +
              column(50, 350, 320, 5) + column(400, 700, 320, 5));
  ASSERT_EQ(blocks.size(), 5u);
  EXPECT_EQ(blocks[2].lines.size(), 1u);
  EXPECT_EQ(blocks[2].box.top, 270);
  EXPECT_EQ(blocks[3].box.left, 50);
}

TEST(ReadingOrder, ReadsATableWhoseCellsAreCentred) {
  std::vector<TextLine> parts = {line(50, 100, 120), line(300, 100, 380), line(600, 100, 900)};
  for (int row = 0; row < 3; ++row) {
    parts = parts + std::vector{line(50, 163 + 85 * row, 150), line(600, 163 + 85 * row, 880)} +
            column(300, 500, 148 + 85 * row, 2, 30);
  }
  const std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::table);
  ASSERT_EQ(blocks[0].lines.size(), 15u);
  EXPECT_EQ(blocks[0].cells.back().row, 3);
  EXPECT_EQ(blocks[0].lines[4].box.top, 148);
  EXPECT_EQ(blocks[0].lines[5].box.top, 178);
  EXPECT_EQ(blocks[0].cells[5].column, 1);
}

TEST(ReadingOrder, TellsTitlesByTheirSize) {
  const std::vector<TextBlock> blocks = arrange(std::vector{line(50, 40, 400, 34)} + column(50, 700, 100, 8));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].kind, BlockKind::title);
  EXPECT_EQ(blocks[1].kind, BlockKind::text);
}

TEST(ReadingOrder, ReadsTheHeadOfAPageBeforeItsText) {
  const std::vector<TextBlock> blocks =
      arrange(std::vector{line(50, 40, 300), line(650, 40, 700)} + column(50, 500, 100, 3));
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[1].box.left, 650);
  EXPECT_EQ(blocks[2].lines.size(), 3u);
}

TEST(ReadingOrder, ReadsWhatStandsAboveARuleBeforeTheColumnsBelowIt) {
  const std::vector<TextLine> parts =
      std::vector{line(50, 70, 150), line(420, 70, 560)} + column(50, 350, 104, 8) + column(400, 700, 104, 8);
  EXPECT_EQ(arrange(parts).size(), 2u);
  const std::vector<PixelBox> rules = {{50, 96, 700, 98}};
  const std::vector<TextBlock> blocks = arrange(parts, rules);
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(blocks[1].box.left, 420);
  EXPECT_EQ(blocks[2].lines.size(), 8u);
}

TEST(ReadingOrder, GathersLinesOfACellAndLeavesANoteBelowTheTable) {
  std::vector<TextLine> parts;
  for (int row = 0; row < 4; ++row) {
    parts.push_back(line(50, 100 + 50 * row, 250));
    parts.push_back(line(450, 100 + 50 * row, 500));
  }
  parts[2].box.right = 240, parts.push_back(line(50, 176, 150));  // a second line of the second row
  for (int row = 2; row < 4; ++row) parts[2 * row].box.top += 26, parts[2 * row].box.bottom += 26;
  for (int row = 2; row < 4; ++row) parts[2 * row + 1].box.top += 26, parts[2 * row + 1].box.bottom += 26;
  parts.push_back(line(50, 330, 240));  // after the table
  const std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 2u);
  ASSERT_EQ(blocks[0].kind, BlockKind::table);
  EXPECT_EQ(blocks[0].cells.back().row, 3);
  EXPECT_EQ(blocks[0].cells[3].row, 1);
  EXPECT_EQ(blocks[0].cells[3].column, 0);
  EXPECT_EQ(blocks[1].kind, BlockKind::text);
}

TEST(ReadingOrder, PartsTitlesOfDifferentRanks) {
  const std::vector<TextBlock> blocks =
      arrange(std::vector{line(50, 20, 400, 40), line(50, 70, 400, 27)} + column(50, 700, 120, 8));
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[1].kind, BlockKind::title);
}

TEST(ReadingOrder, TellsTablesByTheirNarrowColumns) {
  std::vector<TextLine> parts;
  for (int row = 0; row < 3; ++row) {
    parts.push_back(line(50, 100 + 30 * row, 150));
    if (row != 1) parts.push_back(line(300, 100 + 30 * row, 340));
    parts.push_back(line(450, 100 + 30 * row, 500));
  }
  const std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::table);
  ASSERT_EQ(blocks[0].cells.size(), 8u);
  EXPECT_EQ(blocks[0].cells[4].row, 1);
  EXPECT_EQ(blocks[0].cells[4].column, 2);
}

TEST(ReadingOrder, ReadsColumnsOverWhoseWhiteTheHeadOfThePageStands) {
  const std::vector<TextBlock> blocks =
      arrange(std::vector{line(50, 60, 150), line(362, 60, 400), line(600, 60, 700)} + column(50, 350, 100, 5) +
              column(372, 700, 110, 5) + column(50, 352, 260, 5) + column(372, 700, 270, 5));
  ASSERT_EQ(blocks.size(), 7u);
  EXPECT_EQ(blocks[3].box.left, 50);
  EXPECT_EQ(blocks[4].box.left, 50);
  EXPECT_EQ(blocks[5].box.left, 372);
}

TEST(ReadingOrder, ReadsAColumnOnBelowAPicture) {
  const std::vector<TextLine> columns = column(50, 420, 100, 9) + column(470, 840, 103, 9);
  std::vector<TextBlock> blocks = arrange(columns + std::vector{line(60, 530, 300)});
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[1].box.top, 530);
  EXPECT_EQ(blocks[2].box.left, 470);
  blocks = arrange(columns + std::vector{line(60, 530, 600)});
  EXPECT_EQ(blocks[1].box.left, 470) << "what stands below both columns";
}

TEST(ReadingOrder, ReadsAFormThatIsSetWideRowByRow) {
  std::vector<TextLine> parts;
  for (int row = 0; row < 4; ++row) {
    parts.push_back(line(50, 100 + 76 * row, 200 + 9 * row));
    parts.push_back(line(450, 100 + 76 * row, 520 + 13 * row));
  }
  const std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::table);
}

TEST(ReadingOrder, TellsTitlesWithoutLowLettersByTheirSize) {
  std::vector<TextLine> text = column(50, 700, 100, 8);
  for (TextLine& line : text) line.letter = 11;
  TextLine title = line(50, 60, 300);  // no taller than those, as it has no low letters
  title.letter = 16;
  EXPECT_EQ(arrange(std::vector{title} + text)[0].kind, BlockKind::title);
  title.height = 15, title.box.bottom = 75;  // capitals of the text's own size
  EXPECT_EQ(arrange(std::vector{title} + text)[0].kind, BlockKind::text);
}

TEST(ReadingOrder, PartsLinesOfDifferentSizesThatLookAlikeInHeight) {
  TextLine name = line(50, 60, 300, 26), trade = line(50, 94, 280, 20);
  name.letter = 18, trade.letter = 10;
  EXPECT_EQ(arrange({name, trade}).size(), 2u);
  trade.letter = 20;  // capitals
  EXPECT_EQ(arrange({name, trade}).size(), 1u);
  name.letter = 20, trade.letter = 10;  // figures between brackets over letters
  EXPECT_EQ(arrange({name, trade}).size(), 1u);
}

TEST(ReadingOrder, ReadsAddressesInSmallPrintAtTheFootOfThePageOneByOne) {
  std::vector<TextLine> parts = column(50, 700, 100, 12);
  const auto address = [](int left, int top, int height) {
    std::vector<TextLine> lines;
    for (int i = 0; i < 3; ++i) lines.push_back(line(left, top + height * 3 / 2 * i, left + 110 - 15 * i, height));
    return lines;
  };
  std::vector<TextBlock> blocks = arrange(parts + address(50, 600, 15) + address(300, 600, 15) + address(550, 600, 15));
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(blocks[1].lines.size(), 3u);
  EXPECT_EQ(blocks[2].box.left, 300);
  blocks = arrange(parts + address(50, 600, 20) + address(300, 600, 20) + address(550, 600, 20));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].kind, BlockKind::table) << "in letters as large as the text's";
}

TEST(ReadingOrder, ReadsASideBarBeforeATableBesideIt) {
  std::vector<TextLine> parts = column(50, 150, 103, 6, 40);
  for (int row = 0; row < 7; ++row) {
    parts.push_back(line(300, 100 + 30 * row, 420));
    parts.push_back(line(600, 100 + 30 * row, 650));
  }
  const std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].lines.size(), 6u);
  EXPECT_EQ(blocks[1].kind, BlockKind::table);
  EXPECT_EQ(blocks[1].cells.size(), 14u);
}

TEST(ReadingOrder, ReadsCardsInFramesRowByRow) {
  std::vector<TextLine> parts;
  std::vector<PixelBox> frames;
  for (const int top : {100, 220}) {
    for (const int left : {50, 300}) {
      parts = parts + column(left, left + 120, top, 3);
      frames.push_back({left - 15, top - 15, left + 200, top + 95});
    }
  }
  const std::vector<TextBlock> blocks = arrange(parts, {}, frames);
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(blocks[1].box.left, 300);
  EXPECT_EQ(blocks[1].box.top, 100);
  EXPECT_EQ(blocks[1].lines.size(), 3u);
  EXPECT_EQ(blocks[2].box.left, 50);
  EXPECT_EQ(blocks[2].box.top, 220);
}

TEST(ReadingOrder, ReadsTextAboveAndBesideFramesAndFramesWithinFrames) {
  const std::vector<TextLine> parts =
      std::vector{line(50, 20, 640)} + column(50, 350, 100, 5) + column(420, 650, 110, 3) + column(440, 640, 250, 2);
  const std::vector<PixelBox> frames = {{400, 90, 700, 330}, {410, 235, 690, 320}};
  const std::vector<TextBlock> blocks = arrange(parts, {}, frames);
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(blocks[0].box.top, 20);
  EXPECT_EQ(blocks[1].lines.size(), 5u);
  EXPECT_EQ(blocks[2].lines.size(), 3u);
  EXPECT_EQ(blocks[3].box.left, 440);
}

TEST(ReadingOrder, ReadsAProgrammeOfHoursAndPlacesAsATable) {
  std::vector<TextLine> parts;
  for (int row = 0; row < 5; ++row) {
    parts.push_back(line(50, 100 + 40 * row, 100));
    parts.push_back(line(200, 100 + 40 * row, row == 1 ? 650 : 330 + 20 * row));
    if (row != 1) parts.push_back(line(560, 100 + 40 * row, 660));
  }
  std::vector<TextBlock> blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::table);
  EXPECT_EQ(blocks[0].cells.back().row, 4);
  std::erase_if(parts, [](const TextLine& part) { return part.box.left == 560; });
  blocks = arrange(parts);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::text) << "a numbered list";
}

TEST(ReadingOrder, LosesNoPart) {
  const std::vector<TextLine> parts = column(50, 350, 100, 7) + column(380, 420, 90, 3, 60) +
                                      column(500, 700, 130, 9, 33) +
                                      std::vector{line(40, 60, 720), line(45, 400, 90), line(300, 520, 360)};
  size_t lines = 0, words = 0;
  for (const TextBlock& block : arrange(parts)) {
    lines += block.lines.size();
    for (const TextLine& line : block.lines) words += line.words.size();
  }
  EXPECT_EQ(words, parts.size());
  EXPECT_LE(lines, parts.size());
  EXPECT_TRUE(arrange({}).empty());
}

}  // namespace
}  // namespace lectern
