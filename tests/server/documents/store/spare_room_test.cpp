#include "server/documents/store/spare_room.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/temp_folder.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;

TEST(SpareRoom, IsTakenOnTheDiskAndGivenBack) {
  const testing::TempFolder folder;
  for (int i = 0; i < 2; ++i) {
    keep_spare_room(folder.path());
    keep_spare_room(folder.path());
    struct stat status {};
    ASSERT_EQ(::stat(spare_file(folder.path()).c_str(), &status), 0);
    EXPECT_EQ(status.st_size, 1 << 20);
    EXPECT_GE(status.st_blocks * 512, 1 << 20) << "and not by its size alone";
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    free_spare_room(folder.path());
    EXPECT_TRUE(fs::is_empty(folder.path()));
  }
  free_spare_room(folder.path());
  keep_spare_room(folder / "missing");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace lectern::server
