#include "reading/retry/page_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/values.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Rows of black and white columns stand for text.
struct Line {
  int top, bottom;
};
Picture page_with(int width, int height, const std::vector<Line>& lines, uint8_t paper = 255) {
  Picture page(width, height);
  std::ranges::fill(page.rgb, paper);
  for (const Line& line : lines) {
    for (int y = line.top; y < line.bottom; ++y) {
      for (int x = width / 10; x < width * 9 / 10; x += 6) std::fill_n(page.row(y) + 3 * x, 9, uint8_t{0});
    }
  }
  return page;
}

std::vector<Line> lines_of(int height, int distance, int size) {
  std::vector<Line> lines;
  for (int y = distance; y + size < height; y += distance) lines.push_back({y, y + size});
  return lines;
}

TEST(PageParts, TheCutIsInTheGapNearestToTheMiddle) {
  for (const uint8_t paper : {uint8_t{255}, uint8_t{180}}) {
    const std::vector<Line> lines = lines_of(1000, 40, 24);
    const int row = split_row(page_with(400, 1000, lines, paper));
    EXPECT_NEAR(row, 500, 40);
    for (const Line& line : lines) EXPECT_FALSE(row > line.top && row < line.bottom) << row;
  }
}

TEST(PageParts, AWideGapIsTakenBeforeANearerNarrowOne) {
  std::vector<Line> lines = lines_of(1000, 20, 17);
  std::erase_if(lines, [](const Line& line) { return line.top >= 560 && line.top < 600; });
  const int row = split_row(page_with(400, 1000, lines));
  EXPECT_GE(row, 557);
  EXPECT_LE(row, 600);
}

TEST(PageParts, SpecksAndRulesDoNotHideAGap) {
  testing::Random random(1);
  Picture page = page_with(600, 1000, lines_of(1000, 50, 30));
  for (int y = 0; y < page.height; ++y) {
    for (const int x : {20, 300, 580}) std::fill_n(page.row(y) + 3 * x, 3, uint8_t{0});
    for (int i = 0; i < 600; ++i) page.row(y)[random.between(0, 1799)] -= static_cast<uint8_t>(random.between(0, 10));
  }
  const int row = split_row(page);
  EXPECT_TRUE(row % 50 >= 30 || row % 50 == 0) << row;
}

TEST(PageParts, APictureWithoutGapsIsCutInItsMiddleThird) {
  testing::Random random(2);
  Picture page(200, 300);
  for (uint8_t& value : page.rgb) value = static_cast<uint8_t>(random.between(0, 255));
  EXPECT_GE(split_row(page), 100);
  EXPECT_LT(split_row(page), 200);
}

TEST(PageParts, AnEmptyPageIsCutInTheMiddleAndASmallOneNotAtAll) {
  EXPECT_EQ(split_row(page_with(100, 200, {})), 100);
  EXPECT_EQ(split_row(page_with(100, 95, {})), 0);
  EXPECT_EQ(split_row(page_with(1, 2000, {})), 0);
  EXPECT_EQ(split_row(Picture()), 0);
}

TEST(PageParts, PartsBecomeOnePage) {
  Page page;
  page.width = 200;
  page.height = 1000;
  Page upper;
  upper.width = 200;
  upper.height = 400;
  upper.raw = "above";
  upper.finish = Finish::end;
  upper.mode = Mode::gundam;
  upper.blocks = {{"text", {{10, 0, 50, 400}}, {{{50, 0, 250, 999}}}, "above"}};
  upper.stats.tokens = 5;
  upper.stats.vision_tokens = 100;
  upper.stats.decode_seconds = 1;
  upper.token_ends = {2, 5};
  upper.token_logprobs = {-1, -2};
  Page lower = upper;
  lower.height = 600;
  lower.raw = "<|ref|>text<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>\nbelow";
  lower.finish = Finish::loop;
  lower.blocks = {{"text", {{0, 0, 200, 600}}, {{{0, 0, 999, 999}}}, "below"}};
  lower.warnings = {{WarningCode::uncovered_ink, "some", Box{1, 2, 3, 4}},
                    {WarningCode::malformed_tag, "a tag", std::nullopt}};
  lower.guard.loops = 2;
  append_part(page, upper, {0, 0, 200, 400});
  append_part(page, lower, {0, 400, 200, 1000});
  EXPECT_EQ(page.raw, "above\n<|ref|>text<|/ref|><|det|>[[0, 400, 999, 999]]<|/det|>\nbelow");
  EXPECT_TRUE(page.token_ends.empty()) << "the text is another one";
  EXPECT_EQ(page.finish, Finish::loop);
  EXPECT_EQ(page.mode, Mode::gundam);
  EXPECT_EQ(page.stats.tokens, 10);
  EXPECT_EQ(page.stats.vision_tokens, 200);
  EXPECT_EQ(page.stats.decode_seconds, 2);
  EXPECT_EQ(page.guard.loops, 2);
  ASSERT_THAT(page.blocks, SizeIs(2));
  EXPECT_EQ(page.blocks[0].boxes[0].bottom, 400);
  EXPECT_THAT(page.blocks[0].raw_boxes[0], ElementsAre(50, 0, 250, 400));
  EXPECT_EQ(page.blocks[1].boxes[0].top, 400);
  EXPECT_EQ(page.blocks[1].boxes[0].bottom, 1000);
  EXPECT_THAT(page.blocks[1].raw_boxes[0], ElementsAre(0, 400, 999, 999));
  ASSERT_THAT(page.warnings, SizeIs(2));
  EXPECT_EQ(page.warnings[0].box->top, 402);
  EXPECT_FALSE(page.warnings[1].box);
}

TEST(PageParts, APartMayStandAnywhere) {
  Page page, part;
  page.width = 400;
  page.height = 1000;
  part.width = 100;
  part.height = 500;
  part.raw = "<|ref|>text<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>\nwords";
  part.blocks = {{"text", {{10, 20, 100, 500}}, {{{100, 40, 999, 999}}}, "words"}};
  append_part(page, part, {200, 300, 300, 800});
  ASSERT_THAT(page.blocks, SizeIs(1));
  const Box& box = page.blocks[0].boxes[0];
  EXPECT_EQ(box.left, 210);
  EXPECT_EQ(box.top, 320);
  EXPECT_EQ(box.right, 300);
  EXPECT_EQ(box.bottom, 800);
  EXPECT_THAT(page.blocks[0].raw_boxes[0], ElementsAre(525, 320, 749, 799));
  EXPECT_EQ(page.raw, "<|ref|>text<|/ref|><|det|>[[500, 300, 749, 799]]<|/det|>\nwords");
}

TEST(PageParts, KeepTheEndsOfTheirTokens) {
  Page page, part;
  part.width = page.width = 100;
  part.height = page.height = 100;
  part.raw = "above";
  part.token_ends = {2, 5};
  part.token_logprobs = {-1, -2};
  append_part(page, part, {0, 0, 100, 100});
  append_part(page, part, {0, 50, 100, 150});
  EXPECT_EQ(page.raw, "above\nabove");
  EXPECT_THAT(page.token_ends, ElementsAre(2, 5, 8, 11));
}

}  // namespace
}  // namespace lectern
