#include "lines/pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::text_at;

TEST(Pieces, HoldEveryWordOnceAndFitARow) {
  const RowFormat format;
  std::string content;
  for (int i = 0; i < 5; ++i) content += text_at(72, 700 - 16 * i, 12, "The quick brown fox jumps over the lazy dog.");
  const TextPage page = find_text(drawn_page(content));
  const std::vector<TextPiece> pieces = cut_into_pieces(page, format);
  size_t line = 0, word = 0, words = 0;
  for (const TextPiece& piece : pieces) {
    if (piece.line != line) line = piece.line, word = 0;
    EXPECT_EQ(piece.first_word, word);
    word += piece.words;
    words += piece.words;
    EXPECT_LE(piece.box.width() * piece.scale, format.piece_width + 1);
    EXPECT_FALSE(piece.continues);
  }
  EXPECT_EQ(words, 45u);
}

TEST(Pieces, EndAtWideWhite) {
  TextPage page;
  page.picture = Picture(400, 200);
  TextLine line;
  line.box = {10, 50, 200, 70}, line.height = 20;
  line.words = {{10, 50, 30, 70}, {90, 50, 120, 70}, {128, 50, 200, 70}};
  TextBlock block;
  block.box = line.box;
  block.lines = {line};
  page.blocks = {block};
  const std::vector<TextPiece> pieces = cut_into_pieces(page, {});
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].words, 1u);
  EXPECT_EQ(pieces[1].first_word, 1u);
  EXPECT_EQ(pieces[1].words, 2u);
}

TEST(Pieces, SayWhatABoxToBeTickedIs) {
  TextPage page;
  page.picture = Picture(400, 200);
  TextLine line;
  line.box = {10, 50, 200, 70}, line.height = 20;
  line.words = {{10, 50, 30, 70}, {38, 50, 58, 70}, {66, 50, 90, 70}, {98, 50, 118, 70}, {126, 50, 160, 70}};
  line.checks = {{3, true}, {1, false}};
  TextBlock block;
  block.box = line.box;
  block.lines = {line};
  page.blocks = {block};
  const std::vector<TextPiece> pieces = cut_into_pieces(page, {});
  ASSERT_EQ(pieces.size(), 5u);
  EXPECT_EQ(pieces[0].text, "");
  EXPECT_EQ(pieces[1].text, "☐");
  EXPECT_EQ(pieces[2].text, "");
  EXPECT_EQ(pieces[3].text, "☒");
  EXPECT_EQ(pieces[3].box.left, 98);
}

TEST(Pieces, CutAWordThatIsWiderThanARow) {
  const TextPage page = find_text(drawn_page(text_at(72, 700, 12, "Donaudampfschifffahrtsgesellschaftskapitaen") +
                                             text_at(72, 680, 12, "the word above is a long one")));
  const std::vector<TextPiece> pieces = cut_into_pieces(page, {});
  ASSERT_GE(pieces.size(), 3u);
  EXPECT_TRUE(pieces[0].continues);
  EXPECT_EQ(pieces[0].box.right, pieces[1].box.left);
  const auto first_line = std::ranges::count_if(pieces, [](const TextPiece& piece) { return piece.line == 0; });
  EXPECT_FALSE(pieces[static_cast<size_t>(first_line) - 1].continues);
}

TEST(Pieces, AreStackedDarkOnLightAtOneSize) {
  const RowFormat format;
  const TextPage page = find_text(drawn_page("0 g 60 690 400 30 re f\n" + text_at(72, 700, 14, "Light and tall", 1) +
                                             text_at(72, 600, 9, "dark and tall") + text_at(72, 560, 9, "more of it")));
  const std::vector<TextPiece> pieces = cut_into_pieces(page, format);
  ASSERT_EQ(pieces.size(), 3u);
  const std::vector<Picture> views = stack_pieces(page, pieces, format, 4);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].width, 256);
  EXPECT_EQ(views[0].height, 256);
  for (int row = 0; row < 3; ++row) {
    int first = -1, last = -1;
    for (int y = row * 64; y < row * 64 + 64; ++y) {
      const uint8_t* line = views[0].row(y);
      if (std::any_of(line, line + 256 * 3, [](uint8_t value) { return value < 120; })) {
        if (first < 0) first = y;
        last = y;
      }
    }
    EXPECT_NEAR(last - first + 1, format.ink_height, 7) << "row " << row;
    EXPECT_NEAR((first + last) / 2.0, row * 64 + 32, 6) << "row " << row;
  }
  const uint8_t* empty = views[0].row(192);
  EXPECT_TRUE(std::all_of(empty, empty + 256 * 3, [](uint8_t value) { return value > 200; }));
}

TEST(Pieces, FillAsManyViewsAsTheyNeed) {
  std::string content;
  for (int i = 0; i < 9; ++i) content += text_at(72, 700 - 16 * i, 12, "one piece");
  const TextPage page = find_text(drawn_page(content));
  const std::vector<TextPiece> pieces = cut_into_pieces(page, {});
  EXPECT_EQ(pieces.size(), 9u);
  EXPECT_EQ(stack_pieces(page, pieces, {}, 4).size(), 3u);
  EXPECT_TRUE(stack_pieces(page, {}, {}, 4).empty());
}

}  // namespace
}  // namespace lectern
