#include "core/system/available_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace lectern {
namespace {

TEST(AvailableMemory, IsSomeButNoMoreThanTheMachineHas) {
  const int64_t installed = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  EXPECT_GT(available_memory(), 0);
  EXPECT_LE(available_memory(), installed);
  EXPECT_GE(total_memory(), installed / 2);
  EXPECT_LE(available_memory(), total_memory());
}

}  // namespace
}  // namespace lectern
