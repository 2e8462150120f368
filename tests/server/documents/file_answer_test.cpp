#include "server/documents/file_answer.h"

#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern::server {
namespace {

TEST(FileAnswer, NamesItsFileForEveryBrowser) {
  EXPECT_EQ(attachment("Scan 1.txt"), "attachment; filename=\"Scan 1.txt\"; filename*=UTF-8''Scan%201.txt");
  EXPECT_EQ(attachment("\"%\\\n.md"), "attachment; filename=\"____.md\"; filename*=UTF-8''%22%25%5C%0A.md");
  EXPECT_EQ(attachment("\xC3\xA9.md"), "attachment; filename=\"__.md\"; filename*=UTF-8''%C3%A9.md");
}

TEST(FileAnswer, ThrowsForAFileThatIsGone) { EXPECT_THROW(file_answer("/nothing/here", "text/plain"), Error); }

}  // namespace
}  // namespace lectern::server
