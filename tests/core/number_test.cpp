#include "core/number.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(WholeNumber, IsAllOfTheText) {
  EXPECT_EQ(whole_number("0"), 0);
  EXPECT_EQ(whole_number("-12"), -12);
  EXPECT_EQ(whole_number("9223372036854775807"), INT64_MAX);
  for (const char* const text : {"", " 1", "1 ", "+1", "1.5", "0x1", "a", "9223372036854775808"})
    EXPECT_FALSE(whole_number(text)) << text;
}

}  // namespace
}  // namespace lectern
