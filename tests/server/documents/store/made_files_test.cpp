#include "server/documents/store/made_files.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "core/temp_folder.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

// Three documents of 100 bytes, of each of which 10 were made, in this order.
struct MadeFilesTest : ::testing::Test {
  const TempFolder temp;
  const DataFolder folder{temp / "data"};
  MadeFiles files{folder};

  MadeFilesTest() {
    for (int i = 0; i < 3; ++i) {
      temp.write("data/incoming/x", std::string(100, 'x'));
      folder.keep(folder.incoming() / "x", id(i));
      for (const char* name : {"result.md", "result.warnings.md"}) {
        temp.write("data/jobs/" + id(i) + "/" + name, "12345");
      }
      fs::last_write_time(folder.job(id(i)), fs::file_time_type::clock::now() - std::chrono::hours(9 - i));
    }
  }
  static std::string id(int i) { return "doc_" + std::string(31, '0') + std::to_string(i); }
  bool has_made(int i) const {
    EXPECT_TRUE(fs::exists(folder.source(id(i))));
    return fs::exists(folder.job(id(i)) / "result.md");
  }
};

TEST_F(MadeFilesTest, GoByWholeJobsTheLongestUnusedFirst) {
  EXPECT_EQ(files.remove(1), 10);
  EXPECT_FALSE(has_made(0));
  EXPECT_FALSE(fs::exists(folder.job(id(0)) / "result.warnings.md"));
  EXPECT_TRUE(has_made(1) && has_made(2));
  { const MadeFiles::Use use(files, id(1)); }
  EXPECT_EQ(files.remove(10), 10);
  EXPECT_TRUE(has_made(1)) << "it was used last";
  EXPECT_FALSE(has_made(2));
  EXPECT_EQ(files.remove(1000), 10) << "and no more is left";
  EXPECT_FALSE(has_made(1));
}

TEST_F(MadeFilesTest, OfAJobThatIsInUseStay) {
  const MadeFiles::Use use(files, id(0));
  { const MadeFiles::Use again(files, id(0)); }
  EXPECT_EQ(files.remove(1000), 20);
  EXPECT_TRUE(has_made(0));
  const MadeFiles::Use none(files, "doc_of_nobody");
}

}  // namespace
}  // namespace lectern::server
