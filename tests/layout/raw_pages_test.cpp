#include "layout/raw_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

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

// Else the pages behind it would be taken for the ones before.
TEST(RawPages, OfWhichOneIsBlankAreAllCounted) {
  EXPECT_THAT(split_raw_pages("<PAGE>\none\n<PAGE>\n<PAGE>\nthree"), ElementsAre("one\n", "", "three"));
  EXPECT_THAT(split_raw_pages("<PAGE>\n<PAGE>\ntwo\n<PAGE>\n"), ElementsAre("", "two\n", ""));
  EXPECT_THAT(split_raw_pages("<PAGE>one\n\n<--- Page Split --->\n<PAGE>two\n\n<--- Page Split --->\n"),
              ElementsAre("one", "two"));
}

TEST(RawPages, OfOneSequenceArePartedAtEveryMarkUnlessTheseAreTooMany) {
  const auto parts = [](std::string_view raw, size_t expected) {
    std::vector<std::string_view> texts;
    for (const RawPart& part : raw_parts(raw, expected)) texts.push_back(raw.substr(part.begin, part.end - part.begin));
    return texts;
  };
  constexpr std::string_view raw = "<PAGE>\none <PAGE>two\n<PAGE>\nthree";
  EXPECT_THAT(parts(raw, 3), ElementsAre("one ", "two\n", "three"));
  EXPECT_THAT(parts(raw, 4), ElementsAre("one ", "two\n", "three")) << "one of four is missing, not two";
  EXPECT_THAT(parts(raw, 2), ElementsAre("one <PAGE>two\n", "three"));
  EXPECT_THAT(parts("", 2), ElementsAre(""));
  EXPECT_THAT(parts("<PAGE>\n<PAGE>\ntwo", 2), ElementsAre("", "two"));
}

}  // namespace
}  // namespace lectern
