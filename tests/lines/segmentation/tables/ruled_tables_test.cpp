#include "lines/segmentation/tables/ruled_tables.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lectern {
namespace {

constexpr int height = 20;  // of letters

// A grid with edges at these places; rules of 2 pixels.
Rules grid(const std::vector<int>& xs, const std::vector<int>& ys) {
  Rules rules;
  for (const int x : xs) rules.down.push_back({x, ys.front(), x + 2, ys.back() + 2});
  for (const int y : ys) rules.across.push_back({xs.front(), y, xs.back() + 2, y + 2});
  return rules;
}

// `count` letters from a place on.
void write(Letters& letters, int left, int top, int count) {
  for (int i = 0; i < count; ++i) letters.letters.push_back({left + 14 * i, top, left + 14 * i + 11, top + height});
}

std::vector<std::string> cells_of(const TextBlock& block) {
  std::vector<std::string> cells;
  for (const TextBlock::Cell& cell : block.cells)
    cells.push_back(std::to_string(cell.row) + "," + std::to_string(cell.column));
  return cells;
}

TEST(RuledTables, PutLettersIntoTheCellsAroundThem) {
  const std::vector<RuledTable> tables = find_ruled_tables(grid({0, 300, 400}, {0, 60, 120}), {}, height);
  ASSERT_EQ(tables.size(), 1u);
  Letters letters;
  letters.height = height;
  write(letters, 200, 20, 7);  // up to the rule
  write(letters, 306, 20, 4);  // right behind it
  write(letters, 10, 80, 5);
  write(letters, 310, 80, 3);
  write(letters, 10, 300, 9);  // below the table
  const std::vector<TextBlock> blocks = take_ruled_tables(tables, letters);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].kind, BlockKind::table);
  EXPECT_EQ(cells_of(blocks[0]), (std::vector<std::string>{"0,0", "0,1", "1,0", "1,1"}));
  EXPECT_EQ(letters.letters.size(), 9u);
}

TEST(RuledTables, JoinCellsThatNoRuleParts) {
  Rules rules = grid({0, 300, 600}, {0, 60, 120, 180});
  rules.down[1].top = 60;  // the first row is one cell
  const std::vector<RuledTable> tables = find_ruled_tables(rules, {}, height);
  ASSERT_EQ(tables.size(), 1u);
  const auto cell = tables[0].cell_at(450, 30);
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->column, 0);
  EXPECT_EQ(tables[0].cell_at(450, 90)->column, 1);
  EXPECT_FALSE(tables[0].cell_at(700, 90));
}

TEST(RuledTables, PartAColumnWhoseRulesAreLostByTheLinesOfItsRows) {
  Rules rules = grid({0, 100, 400}, {0, 60, 120, 180});
  for (size_t i = 1; i < 3; ++i) rules.across[i].left = 100;  // the first column is one cell
  const auto found = [&](const std::vector<int>& tops) {
    Letters letters;
    letters.height = height;
    for (const int top : tops) write(letters, 30, top, 2);
    for (int row = 0; row < 3; ++row) write(letters, 120, 20 + 60 * row, 6);
    return cells_of(take_ruled_tables(find_ruled_tables(rules, {}, height), letters).at(0));
  };
  EXPECT_EQ(found({20, 80, 140}), (std::vector<std::string>{"0,0", "0,1", "1,0", "1,1", "2,0", "2,1"}));
  EXPECT_EQ(found({50, 80, 110}), (std::vector<std::string>{"0,0", "0,0", "0,0", "0,1", "1,1", "2,1"}))
      << "lines of one cell";
}

TEST(RuledTables, TakeADarkBarAsTheirHeading) {
  const std::vector<PixelBox> bars = {{0, -60, 602, -2}};
  const std::vector<RuledTable> tables = find_ruled_tables(grid({0, 300, 600}, {0, 60, 120}), bars, height);
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(tables[0].rows.size(), 4u);
  EXPECT_EQ(tables[0].cell_at(450, -30)->column, 1);
  EXPECT_EQ(tables[0].cell_at(450, 30)->row, 1);
}

TEST(RuledTables, AreNoFramesAndNoColumnsOfProse) {
  EXPECT_TRUE(find_ruled_tables(grid({0, 600}, {0, 400}), {}, height).empty());
  EXPECT_TRUE(find_ruled_tables(grid({0, 20, 40, 60, 80}, {0, 30, 60}), {}, height).empty());  // boxes for letters
  const std::vector<RuledTable> tables = find_ruled_tables(grid({0, 600, 1200}, {0, 60, 900}), {}, height);
  Letters letters;
  letters.height = height;
  for (int line = 0; line < 20; ++line) {
    write(letters, 10, 100 + 40 * line, 40);
    write(letters, 610, 100 + 40 * line, 40);
  }
  write(letters, 10, 20, 10);
  write(letters, 610, 20, 10);
  const size_t before = letters.letters.size();
  EXPECT_TRUE(take_ruled_tables(tables, letters).empty());
  EXPECT_EQ(letters.letters.size(), before);
}

}  // namespace
}  // namespace lectern
