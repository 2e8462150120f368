#include "job/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern {
namespace {

using ::testing::ElementsAre;

Page read_page() {
  Page page;
  page.number = 3;
  page.finish = Finish::end;
  page.confidence = 0.9;
  page.blocks = {{"title", {{1, 2, 30, 40}}, {}, "# Fine"}, {"text", {{1, 50, 30, 60}}, {}, "a\nw\u00F6rd \x1b"}};
  page.blocks[0].confidence = 0.95;
  page.blocks[1].confidence = 0.6;
  return page;
}

TEST(Review, ListsBlocksThatAreNotSureEnough) {
  EXPECT_FALSE(review_of(read_page(), 0));
  EXPECT_FALSE(review_of(read_page(), 0.5));
  const std::optional<InputReport::Review> review = review_of(read_page(), 0.8);
  ASSERT_TRUE(review);
  EXPECT_EQ(review->page, 3);
  EXPECT_FALSE(review->whole_page);
  ASSERT_EQ(review->blocks.size(), 1u);
  EXPECT_EQ(review->blocks[0].number, 2u);
  EXPECT_EQ(review->blocks[0].box->top, 50);
  EXPECT_THAT(lines_of(*review),
              ElementsAre("to be looked at: block 2 (text) at 1, 50 .. 30, 60, confidence 0.60: a w\u00F6rd  "));
}

TEST(Review, ListsPagesThatAreNotSureEnough) {
  const std::optional<InputReport::Review> review = review_of(read_page(), 0.92);
  ASSERT_TRUE(review);
  EXPECT_TRUE(review->whole_page);
  EXPECT_EQ(lines_of(*review).size(), 2u);
  EXPECT_EQ(lines_of(*review)[0], "to be looked at: confidence 0.90");
}

TEST(Review, ListsPagesOfWhichNothingWasRead) {
  Page page;
  page.warnings = {{WarningCode::nothing_read, "nothing", std::nullopt}};
  const std::optional<InputReport::Review> review = review_of(page, 0.1);
  ASSERT_TRUE(review);
  EXPECT_THAT(lines_of(*review), ElementsAre("to be looked at: hardly anything was read"));
  EXPECT_FALSE(review_of(page, 0));
}

TEST(Review, LeavesOutWhatHasNoConfidence) {
  Page page = read_page();
  page.confidence.reset();
  for (Block& block : page.blocks) block.confidence.reset();
  EXPECT_FALSE(review_of(page, 1));
  page = read_page();
  page.error = "damaged";
  EXPECT_FALSE(review_of(page, 1)) << "it is among the failures";
}

TEST(Review, ShowsTheBeginningOfLongText) {
  Page page = read_page();
  page.blocks[1].text = std::string(41, 'x');
  EXPECT_EQ(review_of(page, 0.8)->blocks[0].text, std::string(40, 'x') + "...");
}

}  // namespace
}  // namespace lectern
