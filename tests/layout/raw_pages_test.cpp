#include "layout/raw_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

using ::testing::ElementsAre;

TEST(RawPages, ArePartedAsThePublishedCodeParts) {
  EXPECT_THAT(split_raw_pages("one"), ElementsAre("one"));
  EXPECT_THAT(split_raw_pages(""), ElementsAre(""));
  EXPECT_THAT(split_raw_pages("one\n\n<--- Page Split --->\ntwo\n\n\n<--- Page Split --->\n"),
              ElementsAre("one", "two\n"));
  EXPECT_THAT(split_raw_pages("one\ftwo\f\fthree"), ElementsAre("one", "two", "", "three"));
  EXPECT_THAT(split_raw_pages("a<--- Page Split --->b < c"), ElementsAre("a", "b < c"));
  EXPECT_THAT(split_raw_pages("a<｜end▁of▁sentence｜>\n\n<--- Page Split --->\nb<｜end▁of▁sentence｜>"),
              ElementsAre("a", "b"));
  const std::string joined = "one\n" + std::string(page_split) + "two" + std::string(page_split);
  EXPECT_THAT(split_raw_pages(joined), ElementsAre("one\n", "two"));
}

TEST(RawPages, ArePartedAsUnlimitedOcrBeginsThem) {
  EXPECT_THAT(split_raw_pages("<PAGE>\none\n<PAGE>\ntwo"), ElementsAre("one\n", "two"));
  EXPECT_THAT(split_raw_pages("<｜begin▁of▁sentence｜><PAGE>one\n<PAGE>two"), ElementsAre("one\n", "two"));
  EXPECT_THAT(split_raw_pages("a <PAGE> b"), ElementsAre("a <PAGE> b"));
}

}  // namespace
}  // namespace lectern
