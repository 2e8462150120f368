#include "core/format_bytes.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(FormatBytes, KeepsThreeDigits) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1000), "1.00 kB");
  EXPECT_EQ(format_bytes(2710), "2.71 kB");
  EXPECT_EQ(format_bytes(14'004'688), "14.0 MB");
  EXPECT_EQ(format_bytes(123'456'789), "123 MB");
  EXPECT_EQ(format_bytes(999'600'000), "1.00 GB");
  EXPECT_EQ(format_bytes(6'672'547'120), "6.67 GB");
  EXPECT_EQ(format_bytes(int64_t{1} << 62), "4611686 TB");
}

}  // namespace
}  // namespace lectern
