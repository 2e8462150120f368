#include "core/text.h"

#include <gtest/gtest.h>

#include <array>

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

TEST(Text, ChangesTheCaseOfAsciiAlone) {
  EXPECT_EQ(lower_case("Ab-[\xC3\x89]"), "ab-[\xC3\x89]");
  EXPECT_TRUE(equals_in_any_case("Multipart/Form-Data", "multipart/form-data"));
  EXPECT_FALSE(equals_in_any_case("data", "data:"));
  EXPECT_FALSE(equals_in_any_case("\xC3\x89", "\xC3\xA9"));
}

TEST(Text, LosesItsControls) { EXPECT_EQ(without_controls("a\r\nb\t\x7F\xC3\xA9"), "a  b  \xC3\xA9"); }

TEST(Text, ShowsBytesAsDigits) {
  EXPECT_EQ(hex_digits(std::array<unsigned char, 3>{0, 0x9A, 0xFF}), "009aff");
  EXPECT_EQ(hex_digits({}), "");
}

TEST(Text, IsPercentEncoded) {
  EXPECT_EQ(percent_encoded("refs/pr/1 \xC3\xA4?"), "refs%2Fpr%2F1%20%C3%A4%3F");
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encoded({"\0\xFF", 2}), "%00%FF");
  EXPECT_EQ(percent_encoded("a b\n", [](char c) { return c >= ' '; }), "a b%0A");
}

}  // namespace
}  // namespace lectern
