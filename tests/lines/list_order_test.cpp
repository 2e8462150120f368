#include "lines/list_order.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

struct Table {
  TextBlock block;
  std::vector<PageLine> lines;
};

// Entries that go down columns of so many rows; the last column may end early.
Table table_of(const std::vector<std::string>& down, int rows) {
  Table table;
  const int count = static_cast<int>(down.size());
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; row + column * rows < count; ++column) {
      table.block.cells.push_back({row, column});
      table.lines.emplace_back().text = down[static_cast<size_t>(row + column * rows)];
    }
  }
  return table;
}

std::vector<std::string> read_down(const Table& table) {
  std::vector<std::string> texts;
  for (const std::vector<size_t>& entry : entries_down(table.block, table.lines)) {
    texts.emplace_back();
    for (const size_t i : entry) texts.back() += table.lines[i].text + ";";
  }
  return texts;
}

TEST(ListOrder, GoesDownTheColumnsOfASortedList) {
  const std::vector<std::string> trees = {"Alder",        "Ash, common", "Beech", "\xC3\x89lan", "Elm",
                                          "Fir, Douglas", "Larch",       "Lime",  "Oak"};
  const Table table = table_of(trees, 3);
  std::vector<std::string> lines;
  for (const std::string& tree : trees) lines.push_back(tree + ";");
  EXPECT_EQ(read_down(table), lines);
  EXPECT_EQ(read_down(table_of({trees.begin(), trees.end() - 1}, 3)).size(), 8u);
}

TEST(ListOrder, KeepsTheLinesOfAnEntryTogether) {
  Table table = table_of({"Alder", "Beech", "Cherry", "Elm", "Fir", "Larch", "Oak", "Pine"}, 4);
  table.block.cells.insert(table.block.cells.begin() + 1, table.block.cells.front());
  table.lines.insert(table.lines.begin() + 1, PageLine{});
  table.lines[1].text = "black";
  EXPECT_EQ(read_down(table)[0], "Alder;black;");
  EXPECT_EQ(read_down(table)[4], "Fir;");
}

TEST(ListOrder, GoesDownTheColumnsOfANumberedList) {
  const std::vector<std::string> songs = {"1. Salt", "2. Rain", "3. Her letter", "4. Old Tom", "5. Home", "6. May"};
  EXPECT_EQ(read_down(table_of(songs, 3)).size(), 6u);
  EXPECT_TRUE(read_down(table_of({songs[0], songs[2], songs[4], songs[1], songs[3], songs[5]}, 3)).empty())
      << "numbered row by row";
}

TEST(ListOrder, IsThatOfATableElsewhere) {
  EXPECT_TRUE(read_down(table_of({"Adams", "Brown", "Cole", "Dunn", "Hull", "Bath", "York", "Bath"}, 4)).empty());
  EXPECT_TRUE(read_down(table_of({"8.00", "8.10", "8.20", "8.30", "9.00", "9.10", "9.20", "9.30"}, 4)).empty());
  EXPECT_TRUE(read_down(table_of({"Adams", "Brown", "Cole", "Dunn", "Ellis", "Frost", "Hale", "King"}, 8)).empty())
      << "one column";
  EXPECT_TRUE(read_down(table_of({"Adams", "Brown", "Cole", "Dunn"}, 2)).empty()) << "too few to tell";
}

}  // namespace
}  // namespace lectern
