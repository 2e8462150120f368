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

TEST(FileAnswer, SentencesFitIntoAHeader) {
  EXPECT_EQ(header_text({}), "");
  EXPECT_EQ(header_text({"a.pdf: 2 links were lost", "100%\r\n\xC3\xA9"}),
            "a.pdf: 2 links were lost; 100%25%0D%0A%C3%A9");
  const std::string long_text(3000, 'x');
  EXPECT_EQ(header_text({long_text, long_text, "y"}), long_text + "; and 2 more");
  EXPECT_EQ(header_text({std::string(5000, 'x')}), "and 1 more");
}

TEST(FileAnswer, ThrowsForAFileThatIsGone) { EXPECT_THROW(file_answer("/nothing/here", "text/plain"), Error); }

}  // namespace
}  // namespace lectern::server
