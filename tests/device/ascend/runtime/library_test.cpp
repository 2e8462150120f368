#include "device/ascend/runtime/library.h"

#include <gmock/gmock.h>

#include "device/ascend/runtime/functions.h"
#include "lectern/error.h"
#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_of(const LibraryOptions& options) {
  try {
    const Library library(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(AscendLibrary, KnowsWhichVersionsAreOldEnough) {
  for (const char* version : {"8.1.RC1", "8.1.RC1.beta1", "8.1.0", "8.2.RC1", "8.3.RC1.alpha003", "8.5.0", "9.1.0"})
    EXPECT_TRUE(is_supported_version(version)) << version;
  for (const char* version : {"8.0.0", "8.0.RC3", "8.0.RC3.alpha003", "7.0.0", "6.3.RC2"})
    EXPECT_FALSE(is_supported_version(version)) << version;
  EXPECT_TRUE(is_supported_version(""));  // not known: not refused
  EXPECT_TRUE(is_supported_version("V100R001C18"));
}

TEST(AscendLibrary, FindsEveryFunctionOfTheFake) {
  const testing::FakeCann fake;
  const Library library(testing::fake_library());
  EXPECT_EQ(library.version(), "8.3.RC1");
  const Functions functions(library);
  EXPECT_TRUE(functions.matmul);
  EXPECT_TRUE(functions.fused_attention);
  EXPECT_TRUE(functions.grouped_matmul_v4);
  EXPECT_TRUE(functions.grouped_matmul_v5);
  fake_cann_set_version("8.1.RC1");
  const Functions older(library);
  EXPECT_FALSE(older.grouped_matmul_v5);  // from 8.2 on
  EXPECT_FALSE(older.fast_gelu);          // from 8.3 on
}

TEST(AscendLibrary, NamesAMissingFunctionOfTheRuntime) {
  LibraryOptions options = testing::fake_library();
  options.offered = [](std::string_view symbol) { return symbol != "aclrtMemcpyAsync"; };
  EXPECT_THAT(error_of(options), AllOf(HasSubstr("aclrtMemcpyAsync"), HasSubstr("8.1.RC1")));
}

TEST(AscendLibrary, TakesAnOperatorWithoutItsSecondFunctionForMissing) {
  const testing::FakeCann fake;
  LibraryOptions options = testing::fake_library();
  options.offered = [](std::string_view symbol) {
    return symbol != "aclnnSilu" && symbol != "aclnnMulGetWorkspaceSize";
  };
  const Functions functions{Library(options)};
  EXPECT_FALSE(functions.silu);
  EXPECT_FALSE(functions.mul);
  EXPECT_TRUE(functions.add);
}

}  // namespace
}  // namespace lectern::ascend
