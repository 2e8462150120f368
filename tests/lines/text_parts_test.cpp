#include "lines/text_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::text_at;

constexpr double scale = 200.0 / 72;  // pixels a point of a drawn page

std::string paragraph(double x, double y, double size, int lines, const std::string& text) {
  std::string content;
  for (int i = 0; i < lines; ++i) content += text_at(x, y - 1.3 * size * i, size, text);
  return content;
}

bool meet(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

TEST(TextParts, ColumnsArePartsOfTheirOwn) {
  const std::string line = "some words of running text in a column";
  const std::vector<Box> parts =
      text_parts(drawn_page(text_at(100, 760, 20, "A heading across the page and more of it") +
                            paragraph(60, 700, 10, 40, line) + paragraph(320, 697, 10, 40, line)));
  ASSERT_THAT(parts, SizeIs(3));
  EXPECT_LT(parts[0].bottom, (842 - 690) * scale);
  EXPECT_LE(parts[1].left, 60 * scale);
  EXPECT_GE(parts[1].bottom, (842 - 700 + 39 * 13) * scale);
  EXPECT_GT(parts[2].left, 260 * scale);
  EXPECT_FALSE(meet(parts[1], parts[2]));
}

TEST(TextParts, SmallNeighboursAreReadTogether) {
  const std::string line = "words of a paragraph that fill the whole line of the page nearly";
  std::string content;
  for (int i = 0; i < 6; ++i) content += paragraph(72, 750 - 40 * i, 11, 2, line);
  const std::vector<Box> parts = text_parts(drawn_page(content));
  EXPECT_GE(parts.size(), 1u);
  EXPECT_LE(parts.size(), 3u);
  EXPECT_LE(parts.front().top, (842 - 760) * scale);
  EXPECT_GE(parts.back().bottom, (842 - 750 + 200 + 14) * scale);
  for (size_t i = 1; i < parts.size(); ++i) EXPECT_GT(parts[i].top, parts[i - 1].top);
}

TEST(TextParts, AnEmptyPageHasNone) { EXPECT_THAT(text_parts(drawn_page("")), IsEmpty()); }

}  // namespace
}  // namespace lectern
