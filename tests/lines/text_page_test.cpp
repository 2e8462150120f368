#include "lines/text_page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "lines/deskew.h"
#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::text_at;

std::string paragraph(double x, double y, double size, int lines, const std::string& text) {
  std::string content;
  for (int i = 0; i < lines; ++i) content += text_at(x, y - 1.3 * size * i, size, text);
  return content;
}

size_t lines_of(const TextPage& page) {
  size_t lines = 0;
  for (const TextBlock& block : page.blocks) lines += block.lines.size();
  return lines;
}

TEST(TextPage, FindsLinesAndWordsOfAParagraph) {
  const TextPage page =
      find_text(drawn_page(paragraph(72, 700, 11, 4, "The quick brown fox jumps over the lazy dog.")));
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].kind, BlockKind::text);
  ASSERT_EQ(page.blocks[0].lines.size(), 4u);
  for (const TextLine& line : page.blocks[0].lines) EXPECT_EQ(line.words.size(), 9u);
  const PixelBox& box = page.blocks[0].lines[0].box;
  EXPECT_NEAR(box.left, 72 * 200 / 72, 4);
  EXPECT_NEAR(box.bottom, (842 - 700) * 200 / 72 + 6, 8);
}

TEST(TextPage, ReadsColumnsOneAfterTheOtherBelowTheirHeading) {
  const std::string line = "some words of running text in a column";
  const TextPage page = find_text(drawn_page(text_at(100, 760, 20, "A heading across the page and more of it") +
                                             paragraph(60, 700, 10, 12, line) + paragraph(320, 697, 10, 9, line)));
  ASSERT_EQ(page.blocks.size(), 3u);
  EXPECT_EQ(page.blocks[0].kind, BlockKind::title);
  EXPECT_EQ(page.blocks[1].lines.size(), 12u);
  EXPECT_EQ(page.blocks[2].lines.size(), 9u);
  EXPECT_LT(page.blocks[1].box.right, page.blocks[2].box.left);
}

TEST(TextPage, PartsParagraphsAtWhiteAndAtIndents) {
  const std::string line = "words of a paragraph that fill the whole line of the page nearly";
  const TextPage apart = find_text(drawn_page(paragraph(72, 700, 11, 4, line) + paragraph(72, 620, 11, 4, line)));
  EXPECT_EQ(apart.blocks.size(), 2u);
  const TextPage indented =
      find_text(drawn_page(paragraph(72, 700, 11, 3, line) + text_at(72, 700 - 3 * 14.3, 11, "its end.") +
                           text_at(90, 700 - 4 * 14.3, 11, line) + paragraph(72, 700 - 5 * 14.3, 11, 2, line)));
  EXPECT_EQ(indented.blocks.size(), 2u);
}

TEST(TextPage, ReadsATableRowByRow) {
  std::string content;
  for (int row = 0; row < 4; ++row) {
    const double y = 600 - 20 * row;
    content +=
        text_at(72, y, 11, "Copper wire") + text_at(250, y, 11, std::to_string(3 + row)) + text_at(350, y, 11, "12.50");
  }
  const TextPage page = find_text(drawn_page(content));
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].kind, BlockKind::table);
  ASSERT_EQ(page.blocks[0].cells.size(), 12u);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(page.blocks[0].cells[i].row, static_cast<int>(i / 3));
    EXPECT_EQ(page.blocks[0].cells[i].column, static_cast<int>(i % 3));
  }
}

TEST(TextPage, KeepsNumbersOfAListWithTheirLines) {
  std::string content;
  for (int i = 1; i <= 4; ++i) {
    content += text_at(72, 600 - 15 * i, 11, std::to_string(i) + ".") +
               text_at(110, 600 - 15 * i, 11, "an entry of the list, some words long");
  }
  const TextPage page = find_text(drawn_page(content));
  EXPECT_EQ(lines_of(page), 4u);
  EXPECT_EQ(page.blocks[0].lines[0].words.size(), 9u);
}

TEST(TextPage, FindsLightLettersOnADarkBar) {
  const TextPage page =
      find_text(drawn_page("0.1 g 60 590 400 30 re f\n" + text_at(72, 600, 12, "light words on it", 1) +
                           paragraph(72, 550, 11, 3, "dark words under the bar")));
  EXPECT_EQ(lines_of(page), 4u);
  EXPECT_EQ(page.blocks[0].lines[0].words.size(), 4u);
}

TEST(TextPage, StraightensAPageThatLiesAskew) {
  const Picture straight = drawn_page(paragraph(72, 700, 11, 20, "The quick brown fox jumps over the lazy dog today."));
  const TextPage page = find_text(turned(straight, 1.2));
  EXPECT_NEAR(page.angle, -1.2, 0.1);
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].lines.size(), 20u);
}

TEST(TextPage, FindsNothingOnPaperNoiseAndSpecks) {
  EXPECT_TRUE(find_text(Picture()).blocks.empty());
  EXPECT_TRUE(find_text(drawn_page("")).blocks.empty());
  Picture noisy = drawn_page("");
  testing::print_on_paper(noisy, {230, 225, 215}, 12);
  testing::add_specks(noisy, 60, 2);
  EXPECT_TRUE(find_text(noisy).blocks.empty());
}

TEST(TextPage, FindsLinesUnderUnevenLightAndNoise) {
  Picture page = drawn_page(paragraph(72, 700, 11, 10, "The quick brown fox jumps over the lazy dog."));
  for (int y = 0; y < page.height; ++y) {
    for (int x = 0; x < page.width * 3; ++x) {
      page.row(y)[x] = static_cast<uint8_t>(page.row(y)[x] * (0.55 + 0.45 * x / (page.width * 3.0)));
    }
  }
  testing::print_on_paper(page, {250, 250, 250}, 6);
  const TextPage found = find_text(page);
  EXPECT_EQ(lines_of(found), 10u);
}

}  // namespace
}  // namespace lectern
