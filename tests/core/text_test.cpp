#include "core/text.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(Text, IsTrimmedOfWhiteSpaceAlone) {
  EXPECT_EQ(trimmed(" \t\r\n\f\v"), "");
  EXPECT_EQ(trimmed(" a b\n"), "a b");
  EXPECT_EQ(trimmed("\u00A0a"), "\u00A0a");
  EXPECT_TRUE(is_blank(" \n"));
  EXPECT_FALSE(is_blank(" x"));
}

TEST(Text, KnowsAsciiAlone) {
  EXPECT_TRUE(is_letter('z'));
  EXPECT_FALSE(is_letter('\xE9'));
  EXPECT_EQ(lower('Q'), 'q');
  EXPECT_EQ(lower('['), '[');
  EXPECT_FALSE(is_digit('a'));
}

}  // namespace
}  // namespace lectern
