#include "lectern/version.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

TEST(Version, IsTheSameInTheLibraryAndInItsHeaders) {
  EXPECT_EQ(version(), LECTERN_VERSION);
  const std::string parts = std::to_string(LECTERN_VERSION_MAJOR) + "." + std::to_string(LECTERN_VERSION_MINOR) + "." +
                            std::to_string(LECTERN_VERSION_PATCH);
  EXPECT_EQ(version(), parts);
}

}  // namespace
}  // namespace lectern
