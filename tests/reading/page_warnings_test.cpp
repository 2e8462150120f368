#include "reading/page_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/drawn_pages.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> codes(const Page& page) {
  std::vector<std::string> out;
  for (const Warning& warning : page.warnings) out.emplace_back(name_of(warning.code));
  return out;
}

Picture paper() {
  Picture picture(200, 200);
  std::ranges::fill(picture.rgb, uint8_t{255});
  return picture;
}

Page page_of(const std::vector<std::pair<std::string, std::optional<double>>>& blocks) {
  Page page;
  page.finish = Finish::end;
  for (const auto& [text, confidence] : blocks) {
    page.blocks.push_back({"text", {}, {}, text});
    page.blocks.back().confidence = confidence;
  }
  return page;
}

TEST(PageWarnings, APageIsAsSureAsItsWords) {
  Page page = page_of({{"one two three", 1.0}, {"four", 0.6}, {"a figure", std::nullopt}});
  judge(page, paper(), true, 10);
  EXPECT_DOUBLE_EQ(*page.confidence, 0.9);
  EXPECT_THAT(codes(page), IsEmpty());
}

TEST(PageWarnings, CountsTheWordsThatWereMeasured) {
  Page page = page_of({{"<table> ...", 1.0}, {"b", 0.5}});
  page.blocks[0].lines = {{{}, "x y z", {{{}, "x"}, {{}, "y"}, {{}, "z"}}}};
  judge(page, paper(), true, 10);
  EXPECT_DOUBLE_EQ(*page.confidence, 3.5 / 4);
}

TEST(PageWarnings, APageWithoutWordsHasNoConfidence) {
  Page page = page_of({});
  judge(page, paper(), true, 0);
  EXPECT_FALSE(page.confidence);
  EXPECT_THAT(codes(page), IsEmpty());
}

TEST(PageWarnings, DoubtfulTextIsSaid) {
  Page page = page_of({{"TET THE iststs", 0.31}});
  judge(page, paper(), true, 10);
  ASSERT_THAT(codes(page), ElementsAre("doubtful"));
  EXPECT_THAT(page.warnings[0].message, HasSubstr("0.31"));
}

TEST(PageWarnings, MissingTextIsSaid) {
  Page page = page_of({{"text", 0.9}});
  page.finish = Finish::length;
  page.guard.loops = 1;
  page.guard.dropped = 40;
  judge(page, paper(), true, 12);
  ASSERT_THAT(codes(page), ElementsAre("cut_short", "repetition"));
  EXPECT_THAT(page.warnings[0].message, HasSubstr("after 12 tokens"));
  EXPECT_THAT(page.warnings[1].message, HasSubstr("40 tokens were dropped, and text behind may be missing"));
}

TEST(PageWarnings, InkInNoBlockIsSaid) {
  std::string words;
  for (int i = 0; i < 8; ++i)
    words += testing::text_at(60, 780 - 12.5 * i, 10, "The quick brown fox jumps over the dog.");
  for (int i = 0; i < 8; ++i) words += testing::text_at(60, 480 - 12.5 * i, 10, "And on it goes, line after line.");
  const Picture picture = testing::drawn_page(words, 100);
  Page page = page_of({{"text", 0.9}, {"more", 0.9}});
  warn_of_ink_outside_of_blocks(page, picture);
  EXPECT_THAT(codes(page), IsEmpty()) << "blocks without boxes";
  page.blocks[0].boxes = {{60, 60, 800, 300}};
  page.blocks[1].boxes = {{60, 480, 800, 720}};
  warn_of_ink_outside_of_blocks(page, picture);
  EXPECT_THAT(codes(page), IsEmpty()) << "all ink is in blocks";
  page.blocks.pop_back();
  warn_of_ink_outside_of_blocks(page, picture);
  ASSERT_FALSE(page.warnings.empty());
  EXPECT_EQ(page.warnings[0].code, WarningCode::uncovered_ink);
  EXPECT_THAT(page.warnings[0].message, HasSubstr("is in no block"));
  EXPECT_GT(page.warnings[0].box->top, 400);
}

}  // namespace
}  // namespace lectern
