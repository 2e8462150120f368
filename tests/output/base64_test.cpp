#include "output/base64.h"

#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"

namespace lectern {
namespace {

TEST(Base64, IsThatOfTheStandard) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(from_base64(base64(all)), all);
  EXPECT_EQ(from_base64(""), "");
  for (const std::string bad : {"Z", "Zg=", "Z===", "Zg==Zg==", "Zm\n=", "Zm9*"}) {
    EXPECT_THROW(from_base64(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace lectern
