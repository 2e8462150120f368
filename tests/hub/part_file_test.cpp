#include "hub/part_file.h"

#include <gtest/gtest.h>

#include "core/stopped.h"
#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

using testing::slurp;
using testing::TempFolder;

const ListedFile hello{"hello", 6, DigestKind::git_blob, "ce013625030ba8dba906f756967f9e9ca394464a"};

void append(PartFile& part, std::string_view text) { part.append(std::as_bytes(std::span(text))); }

TEST(PartFile, GoesOnFromWhatIsThere) {
  const TempFolder folder;
  {
    PartFile part(folder.path(), hello, {});
    append(part, "hel");
  }
  EXPECT_EQ(slurp(folder / "hello.part"), "hel");
  PartFile part(folder.path(), hello, {});
  EXPECT_EQ(part.size(), 3);
  EXPECT_FALSE(part.whole());
  append(part, "lo\n");
  EXPECT_TRUE(part.whole());
  EXPECT_EQ(part.digest(), hello.digest);
  EXPECT_FALSE(std::filesystem::exists(folder / "hello"));
  part.take_name();
  EXPECT_EQ(slurp(folder / "hello"), "hello\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "hello.part"));
}

TEST(PartFile, TrustsNoFileThatHasItsNameAlready) {
  const TempFolder folder;
  folder.write("hello", "jello\n");
  PartFile part(folder.path(), hello, {});
  EXPECT_FALSE(std::filesystem::exists(folder / "hello"));
  EXPECT_TRUE(part.whole());
  EXPECT_NE(part.digest(), hello.digest);
  part.restart();
  append(part, "hello\n");
  EXPECT_EQ(part.digest(), hello.digest);
}

TEST(PartFile, WritesIntoNoFileThatHasAnotherName) {
  const TempFolder folder;
  const TempFolder elsewhere;
  std::filesystem::create_hard_link(elsewhere.write("mine", "he"), folder / "hello");
  PartFile part(folder.path(), hello, {});
  EXPECT_EQ(part.size(), 0);
  append(part, "hello\n");
  part.take_name();
  EXPECT_EQ(slurp(folder / "hello"), "hello\n");
  EXPECT_EQ(slurp(elsewhere / "mine"), "he");
}

TEST(PartFile, TakesNoMoreThanTheListedSize) {
  const TempFolder folder;
  PartFile part(folder.path(), hello, {});
  append(part, "hello\n");
  EXPECT_THROW(append(part, "!"), Error);
  folder.write("hello.part", "much too long");
  const PartFile again(folder.path(), hello, {});
  EXPECT_EQ(again.size(), 0);
}

TEST(PartFile, RefusesWhatIsNoFileAndStops) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "hello.part");
  EXPECT_THROW(PartFile(folder.path(), hello, {}), Error);
  std::filesystem::remove(folder / "hello.part");
  std::filesystem::create_symlink("elsewhere", folder / "hello.part");
  EXPECT_THROW(PartFile(folder.path(), hello, {}), Error);
  std::filesystem::remove(folder / "hello.part");
  folder.write("hello.part", "hel");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(PartFile(folder.path(), hello, stop.get_token()), Stopped);
  EXPECT_EQ(slurp(folder / "hello.part"), "hel");
}

}  // namespace
}  // namespace lectern::hub
