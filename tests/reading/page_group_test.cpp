#include "reading/page_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Page> known(int count) {
  std::vector<Page> pages(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    Page& page = pages[static_cast<size_t>(i)];
    page.number = i + 1;
    page.width = page.height = 999;
    page.stats.render_seconds = i + 1;
  }
  return pages;
}

Page whole_of(std::string raw, Finish finish = Finish::end) {
  Page whole;
  whole.raw = std::move(raw);
  whole.finish = finish;
  whole.mode = Mode::base;
  whole.stats.vision_tokens = 819;
  whole.stats.encode_seconds = 3;
  return whole;
}

std::vector<std::string> texts(const std::vector<Page>& pages) {
  std::vector<std::string> texts;
  for (const Page& page : pages) texts.push_back(page.raw);
  return texts;
}

TEST(PageGroup, EveryPageGetsItsBlocks) {
  const auto pages = part_pages(
      whole_of("<PAGE>\n<|det|>title [1, 2, 300, 40]<|/det|>One\n<PAGE>\n<|det|>text [5, 6, 70, 80]<|/det|>Two\n"
               "<PAGE>\nThree"),
      known(3));
  ASSERT_EQ(pages.size(), 3u);
  ASSERT_EQ(pages[0].blocks.size(), 1u);
  EXPECT_EQ(pages[0].blocks[0].label, "title");
  EXPECT_EQ(pages[0].blocks[0].text, "One");
  EXPECT_EQ(pages[1].blocks.at(0).raw_boxes.at(0), (std::array<int, 4>{5, 6, 70, 80}));
  EXPECT_EQ(pages[2].raw, "Three");
  for (const Page& page : pages) {
    EXPECT_THAT(page.warnings, IsEmpty());
    EXPECT_EQ(page.finish, Finish::end);
    EXPECT_EQ(page.mode, Mode::base);
    EXPECT_EQ(page.stats.render_seconds, page.number);
  }
  EXPECT_EQ(pages[0].stats.vision_tokens, 819);
  EXPECT_EQ(pages[1].stats.encode_seconds, 0);
}

TEST(PageGroup, TextBeforeTheFirstMarkIsAPage) {
  EXPECT_THAT(texts(part_pages(whole_of("One\n<PAGE>\nTwo"), known(2))), ElementsAre("One\n", "Two"));
  EXPECT_THAT(texts(part_pages(whole_of("One <PAGE>Two"), known(2))), ElementsAre("One ", "Two"));
  // Where marks are too many, those within lines are words.
  EXPECT_THAT(texts(part_pages(whole_of("<PAGE>\nwrite <PAGE>\n<PAGE>\nTwo"), known(2))),
              ElementsAre("write <PAGE>\n", "Two"));
}

TEST(PageGroup, MissingPagesAreSaid) {
  const auto pages = part_pages(whole_of("<PAGE>\nOne\n<PAGE>\nTwo", Finish::context), known(4));
  EXPECT_THAT(texts(pages), ElementsAre("One\n", "Two", "", ""));
  EXPECT_EQ(pages[0].finish, Finish::end);
  EXPECT_EQ(pages[1].finish, Finish::context);
  EXPECT_THAT(pages[1].warnings, IsEmpty());
  for (const size_t i : {2, 3}) {
    EXPECT_EQ(pages[i].finish, Finish::context);
    ASSERT_EQ(pages[i].warnings.size(), 1u);
    EXPECT_EQ(pages[i].warnings[0].code, WarningCode::nothing_read);
    EXPECT_THAT(pages[i].warnings[0].message, HasSubstr("of 4 pages together the model wrote 2"));
  }
  const auto nothing = part_pages(whole_of("", Finish::loop), known(2));
  EXPECT_THAT(texts(nothing), ElementsAre("", ""));
  EXPECT_EQ(nothing[1].warnings.size(), 1u);
}

TEST(PageGroup, PagesTooManyAreSaidAndKept) {
  const auto pages = part_pages(whole_of("<PAGE>\n1\n<PAGE>\n2\n<PAGE>\n3"), known(2));
  EXPECT_EQ(pages[0].raw, "1\n");
  EXPECT_THAT(pages[1].raw, ::testing::AllOf(HasSubstr("2"), HasSubstr("3")));
  ASSERT_EQ(pages[1].warnings.size(), 1u);
  EXPECT_THAT(pages[1].warnings[0].message, HasSubstr("wrote 3 pages where there are 2"));
}

// The mark comes as several tokens, the last of which may hold the line break.
TEST(PageGroup, TokensGoWithTheirText) {
  Page whole = whole_of("<PAGE>\nab\n<PAGE>\ncd");
  whole.token_ends = {2, 5, 7, 9, 10, 12, 15, 17, 18, 19};
  whole.token_logprobs = {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10};
  const auto pages = part_pages(whole, known(2));
  EXPECT_EQ(pages[0].raw, "ab\n");
  EXPECT_THAT(pages[0].token_ends, ElementsAre(2, 3));
  EXPECT_THAT(pages[0].token_logprobs, ElementsAre(-4, -5));
  EXPECT_EQ(pages[1].raw, "cd");
  EXPECT_THAT(pages[1].token_ends, ElementsAre(1, 2));
  EXPECT_THAT(pages[1].token_logprobs, ElementsAre(-9, -10));
  EXPECT_EQ(pages[1].stats.tokens, 2);
}

}  // namespace
}  // namespace lectern
