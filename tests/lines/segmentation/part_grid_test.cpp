#include "lines/segmentation/part_grid.h"

#include <gtest/gtest.h>

#include "lines/segmentation/parts.h"

namespace lectern {
namespace {

using testing::operator+;

// Words of so many pixels, as far apart as said.
TextLine part(int left, int top, std::initializer_list<int> words, int white = 8) {
  TextLine line;
  line.height = 20;
  for (const int width : words) {
    line.words.push_back({left, top, left + width, top + 20});
    left += width + white;
  }
  line.box = line.words.front();
  for (const PixelBox& word : line.words) line.box.include(word);
  return line;
}

Parts column(int left, int top, int width, int lines) {
  Parts column;
  for (int i = 0; i < lines; ++i) column.push_back(part(left, top + 28 * i, {width / 2 - 4, width / 2 - 4}));
  return column;
}

bool is_table(const Parts& parts) { return lectern::is_table(split(parts, columns_of(parts, 12)), rows_of(parts), 20); }

TEST(PartGrid, JoinsALineThatWasSetWideToFillItsColumn) {
  const Parts wide = {part(50, 128, {60}), part(150, 128, {60}), part(250, 128, {60}), part(350, 128, {60})};
  Parts joined = join_justified(column(50, 100, 360, 1) + wide);
  ASSERT_EQ(joined.size(), 2u);
  EXPECT_EQ(joined[1].words.size(), 4u);
  EXPECT_EQ(joined[1].box.right, 410);
  EXPECT_EQ(join_justified(wide).size(), 4u) << "no line tells that they fill a column";
  const Parts uneven = {part(50, 128, {60}), part(125, 128, {60}), part(350, 128, {60})};
  EXPECT_EQ(join_justified(column(50, 100, 360, 1) + uneven).size(), 4u) << "cells of a table";
}

TEST(PartGrid, JoinsSuchLinesUnderEachOther) {
  Parts parts = column(50, 156, 360, 1);
  for (const int top : {100, 128}) {
    for (const int left : {50, 180, 310}) parts.push_back(part(left, top, {100}));
  }
  const Parts joined = join_justified(parts);
  ASSERT_EQ(joined.size(), 3u);
  EXPECT_EQ(joined[0].words.size(), 3u);
}

TEST(PartGrid, TakesColumnsOfTextForNoTableThoughTheirLinesArePartedOrShort) {
  EXPECT_FALSE(is_table(column(50, 100, 300, 8) + column(400, 100, 300, 8)));
  Parts parted;
  for (int i = 0; i < 6; ++i) {
    for (const int left : {50, 150, 250, 420, 520, 620}) parted.push_back(part(left, 100 + 28 * i, {94}));
  }
  EXPECT_FALSE(lectern::is_table(split(parted, {{50, 344}, {420, 714}}), rows_of(parted), 20));
  Parts boxes = {part(50, 100, {100}), part(50, 128, {380}), part(50, 156, {150}), part(500, 100, {80}),
                 part(500, 128, {370})};
  EXPECT_FALSE(is_table(boxes)) << "short texts side by side";
}

TEST(PartGrid, TakesAnAddressBesideADateForNoTable) {
  const Parts address = {part(50, 100, {150}), part(50, 128, {120}), part(50, 156, {90})};
  EXPECT_FALSE(is_table(address + Parts{part(600, 100, {150}), part(600, 128, {150})}));
  EXPECT_TRUE(is_table(address + Parts{part(300, 100, {150}), part(300, 128, {150})}));
}

TEST(PartGrid, TakesLabelsBesideValuesForATable) {
  Parts form;
  for (int i = 0; i < 9; ++i) {
    form.push_back(part(50, 100 + 40 * i, {i == 3 ? 235 : 140 + 4 * i}));
    form.push_back(part(400, 100 + 40 * i, {i == 2 ? 225 : 130 + 3 * i}));
  }
  EXPECT_TRUE(is_table(form));
  for (TextLine& line : form) line.box.top -= (line.box.top - 100) * 3 / 10, line.box.bottom = line.box.top + 20;
  EXPECT_FALSE(is_table(form)) << "set as tight as text";
}

TEST(PartGrid, TakesAListingForATable) {
  Parts listing = column(50, 100, 380, 3) + column(500, 100, 380, 3);
  EXPECT_FALSE(is_table(listing));
  for (TextLine& part : listing) part.pitch = 12;
  EXPECT_TRUE(is_table(listing));
}

TEST(PartGrid, TakesTextBesideAListForNoTable) {
  const Parts list = {part(50, 100, {90}),  part(50, 128, {100}), part(50, 156, {70}),
                      part(50, 184, {100}), part(50, 212, {80}),  part(50, 240, {60})};
  Parts text = column(250, 100, 400, 6);
  EXPECT_FALSE(is_table(list + text));
  for (size_t i = 0; i < text.size(); ++i) text[i].box.right = 300 + static_cast<int>(60 * i);
  EXPECT_TRUE(is_table(list + text)) << "entries of different lengths";
}

TEST(PartGrid, ReadsPartsInARowThoughAMarkBetweenThemIsOfBoth) {
  const std::vector<Parts> rows = rows_of({part(408, 98, {300}), part(50, 100, {366})});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0][0].box.left, 50);
  EXPECT_EQ(rows_of({part(300, 98, {300}), part(50, 100, {366})}).size(), 2u) << "lines that run into each other";
}

TEST(PartGrid, TakesPricesForATableWhereMostLinesHaveNone) {
  Parts menu;
  for (int i = 0; i < 4; ++i) {
    menu.push_back(part(50, 100 + 90 * i, {150}));
    menu.push_back(part(50, 128 + 90 * i, {220}));
    menu.push_back(part(50, 156 + 90 * i, {120}));
    menu.push_back(part(500, 100 + 90 * i, {40}));
  }
  EXPECT_TRUE(is_table(menu));
  menu.push_back(part(500, 128, {40}));
  EXPECT_TRUE(is_table(menu));
  menu.push_back(part(500, 470, {40}));
  EXPECT_FALSE(is_table(menu)) << "one of them belongs to nothing";
}

}  // namespace
}  // namespace lectern
