#include "lectern/page.h"

#include <gtest/gtest.h>

#include "support/pages.h"

namespace lectern {
namespace {

TEST(Page, TellsItsTextWithoutMarkup) {
  const Page page = testing::page_of(1,
                                     "<|ref|>title<|/ref|><|det|>[[0, 0, 500, 50]]<|/det|>\n# A **bold** title\n\n"
                                     "<|ref|>image<|/ref|><|det|>[[0, 60, 500, 300]]<|/det|>\n\n"
                                     "<|ref|>table<|/ref|><|det|>[[0, 310, 500, 400]]<|/det|>\n"
                                     "<table><tr><td>1</td><td>2</td></tr></table>");
  EXPECT_EQ(page.text(), "A bold title\n\n1\t2");
  EXPECT_EQ(Page().text(), "");
}

TEST(Page, KnowsWhatItsBlocksAre) {
  EXPECT_EQ((Block{"doc_title", {}, {}, ""}).kind(), BlockKind::title);
  EXPECT_EQ((Block{"formula", {}, {}, ""}).kind(), BlockKind::equation);
  EXPECT_EQ((Block{"a word of its own", {}, {}, ""}).kind(), BlockKind::text);
  EXPECT_EQ(Block().kind(), BlockKind::text);
}

TEST(Page, AddsUpWhatReadingTook) {
  PageStats stats{1, 2, 3, 4, 5, 6, 7};
  stats += {10, 20, 30, 40, 50, 60, 70};
  EXPECT_EQ(stats.vision_tokens, 11);
  EXPECT_EQ(stats.prompt_tokens, 22);
  EXPECT_EQ(stats.tokens, 33);
  EXPECT_EQ(stats.render_seconds, 44);
  EXPECT_EQ(stats.encode_seconds, 55);
  EXPECT_EQ(stats.prefill_seconds, 66);
  EXPECT_EQ(stats.decode_seconds, 77);
}

TEST(Enums, HaveNamesBothWays) {
  EXPECT_EQ(name_of(Mode::automatic), "auto");
  EXPECT_EQ(name_of(Mode::lines), "lines");
  EXPECT_EQ(name_of(Weights::q4), "q4");
  EXPECT_EQ(name_of(Format::raw), "raw");
  EXPECT_EQ(name_of(Finish::failed), "failed");
  EXPECT_EQ(name_of(BlockKind::page_number), "page_number");
  EXPECT_EQ(name_of(WarningCode::failed), "failed");
  EXPECT_EQ(name_of(Retry::halves), "halves");
  EXPECT_EQ(name_of(std::optional<Mode>()), "");
  EXPECT_EQ(named<Mode>("gundam"), Mode::gundam);
  EXPECT_EQ(named<Format>("md"), Format::markdown);
  EXPECT_EQ(named<Retry>(""), Retry::none);
  EXPECT_FALSE(named<Mode>("Gundam"));
  EXPECT_FALSE(named<Mode>(""));
}

}  // namespace
}  // namespace lectern
