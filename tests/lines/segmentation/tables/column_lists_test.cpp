#include "lines/segmentation/tables/column_lists.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TextLine part(int left, int top, int width, int height = 20) {
  TextLine part;
  part.box = {left, top, left + width, top + height};
  part.height = 20;
  part.words = {part.box};
  return part;
}

// Entries of different lengths.
Parts entries(int left, int lines, int pitch = 30) {
  Parts column;
  for (int i = 0; i < lines; ++i) column.push_back(part(left, 100 + pitch * i, 90 + 37 * i % 80));
  return column;
}

TEST(ColumnLists, FlowFromOneColumnToTheNextAsInAnIndex) {
  EXPECT_TRUE(is_flowing_list({entries(50, 14), entries(350, 14), entries(650, 9)}, 20));
  EXPECT_FALSE(is_flowing_list({entries(50, 14), entries(350, 14), entries(650, 14)}, 20));
  EXPECT_FALSE(is_flowing_list({entries(50, 14), entries(350, 14), entries(550, 9)}, 20)) << "of different widths";
  EXPECT_FALSE(is_flowing_list({entries(50, 14, 50), entries(350, 14, 50), entries(650, 9, 50)}, 20)) << "set wide";
  EXPECT_FALSE(is_flowing_list({entries(50, 14), entries(350, 14), {part(650, 100, 90), part(650, 400, 80)}}, 20))
      << "with empty cells";
}

TEST(ColumnLists, FlowWhereEntriesBelowOthersAreIndented) {
  Parts first = entries(50, 10), second = entries(350, 10);
  for (const size_t i : {3, 4, 8}) first[i].box.left += 25, second[i].box.left += 25;
  EXPECT_TRUE(is_flowing_list({first, second, entries(650, 10)}, 20));
  for (Parts* column : {&first, &second}) {
    for (TextLine& line : *column) line.box.right = column->front().box.left + 150;
  }
  EXPECT_FALSE(is_flowing_list({first, second, entries(650, 10)}, 20)) << "figures";
}

TEST(ColumnLists, DoNotFlowIntoPrices) {
  Parts goods = entries(50, 10), prices;
  goods[3].box.left += 25;  // so many kilograms of the line above
  for (int i = 0; i < 10; ++i) {
    if (i != 3) prices.push_back(part(i % 4 == 0 ? 400 : 415, 100 + 30 * i, i % 4 == 0 ? 80 : 65));
  }
  EXPECT_FALSE(is_flowing_list({goods, prices}, 20));
}

TEST(ColumnLists, KeepPricesWithTheirNames) {
  Parts dishes, prices, drinks, more_prices;
  for (int i = 0; i < 4; ++i) {
    for (const int further : {0, 30}) {
      dishes.push_back(part(50, 100 + 80 * i + further, 120));
      drinks.push_back(part(450, 100 + 80 * i + further, 120));
    }
    prices.push_back(part(350, 100 + 80 * i, 40));
    more_prices.push_back(part(750, 100 + 80 * i, 40));
  }
  const std::vector<Parts> lists = lists_side_by_side({dishes, prices, drinks, more_prices}, 20);
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(lists[0].size(), 12u);
  EXPECT_EQ(lists[1].front().box.left, 450);
  for (const size_t i : {7, 5, 3, 1}) {
    dishes.erase(dishes.begin() + static_cast<ptrdiff_t>(i));
    drinks.erase(drinks.begin() + static_cast<ptrdiff_t>(i));
  }
  EXPECT_TRUE(lists_side_by_side({dishes, prices, drinks, more_prices}, 20).empty()) << "rows of one table";
  EXPECT_TRUE(lists_side_by_side({dishes, prices}, 20).empty());
}

TEST(ColumnLists, BeginWithBullets) {
  Parts list, text;
  for (int i = 0; i < 4; ++i) {
    TextLine line = part(50, 100 + 40 * i, 200);
    line.words = {{50, 106 + 40 * i, 58, 114 + 40 * i}, {70, 100 + 40 * i, 250, 120 + 40 * i}};
    list.push_back(line);
    text.push_back(part(450, 100 + 40 * i, 180));
  }
  EXPECT_EQ(lists_side_by_side({list, text}, 20).size(), 2u);
  for (TextLine& line : text) line.box.right = line.box.left + 40;
  EXPECT_TRUE(lists_side_by_side({list, text}, 20).empty()) << "prices";
  EXPECT_TRUE(lists_side_by_side({text, entries(450, 4)}, 20).empty());
}

}  // namespace
}  // namespace lectern
