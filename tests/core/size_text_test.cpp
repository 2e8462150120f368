#include "core/size_text.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(SizeText, KeepsThreeDigits) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(999), "999 bytes");
  EXPECT_EQ(size_text(1000), "1.00 kB");
  EXPECT_EQ(size_text(2710), "2.71 kB");
  EXPECT_EQ(size_text(14'004'688), "14.0 MB");
  EXPECT_EQ(size_text(123'456'789), "123 MB");
  EXPECT_EQ(size_text(999'600'000), "1.00 GB");
  EXPECT_EQ(size_text(6'672'547'120), "6.67 GB");
  EXPECT_EQ(size_text(int64_t{1} << 62), "4611686 TB");
}

}  // namespace
}  // namespace lectern
