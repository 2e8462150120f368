#include "server/documents/store/data_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "server/documents/store/sqlite.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using testing::slurp;
using testing::TempFolder;

constexpr const char* id = "doc_00000000000000000000000000000001";

TEST(DataFolder, IsMadePrivate) {
  const TempFolder folder;
  const DataFolder data(folder / "a/b");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST(DataFolder, TheDatabaseIsPrivate) {
  const TempFolder folder;
  const auto rights_of = [](const fs::path& file) {
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_mode & 0777;
  };
  const auto write_something = [&](const DataFolder& data) {
    Database database(data.database(), 0);
    database.run("CREATE TABLE IF NOT EXISTS t (a)");
    database.run("INSERT INTO t VALUES (1)");
    for (const char* const suffix : {"", "-wal", "-shm"}) {
      EXPECT_EQ(rights_of(data.database().string() + suffix), 0600U) << suffix;
    }
  };
  write_something(DataFolder(folder / "data"));
  // As a server of before left it.
  for (const char* const name : {"data/documents.sqlite", "data/documents.sqlite-wal", "data/documents.sqlite-shm"}) {
    if (!fs::exists(folder / name)) folder.write(name, "");
    fs::permissions(folder / name, fs::perms(0644));
  }
  write_something(DataFolder(folder / "data"));
}

TEST(DataFolder, AFolderOfOtherThingsIsLeftAlone) {
  const TempFolder folder;
  fs::create_directories(folder / "mail/incoming");
  folder.write("mail/incoming/letter", "precious");
  fs::permissions(folder / "mail", fs::perms(0700));
  try {
    const DataFolder data(folder / "mail");
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), ((folder / "mail").string() + ": holds incoming and no documents of a server; name a "
                                                             "new or empty folder for `data`")
                                   .c_str());
  }
  EXPECT_EQ(slurp(folder / "mail/incoming/letter"), "precious");
  EXPECT_FALSE(fs::exists(folder / "mail/lock"));
  folder.write("mail/documents.sqlite", "of another program");
  EXPECT_THROW(DataFolder(folder / "mail"), Error);
  EXPECT_EQ(slurp(folder / "mail/documents.sqlite"), "of another program");
}

TEST(DataFolder, MayBeTheRootOfAFileSystem) {
  const TempFolder folder;
  fs::create_directories(folder / "disk/lost+found");
  fs::permissions(folder / "disk", fs::perms(0700));
  const DataFolder data(folder / "disk");
  EXPECT_TRUE(fs::exists(data.incoming()));
  EXPECT_TRUE(fs::exists(folder / "disk/lost+found"));
}

TEST(DataFolder, OneServerHasIt) {
  const TempFolder folder;
  {
    const DataFolder data(folder / "data");
    EXPECT_THROW(DataFolder(folder / "data"), Error);
  }
  const DataFolder again(folder / "data");
}

TEST(DataFolder, RefusesWhatOthersMayLookInto) {
  const TempFolder folder;
  fs::create_directory(folder / "open");
  fs::permissions(folder / "open", fs::perms(0755));
  EXPECT_THROW(DataFolder(folder / "open"), Error);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "open").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755U) << "the folder may be somebody's: it is left as it is";
  EXPECT_THROW(DataFolder(folder.write("file", "x")), Error);
}

TEST(DataFolder, KeepsAndRemovesSources) {
  const TempFolder folder;
  const DataFolder data(folder / "data");
  folder.write("data/incoming/x", "content");
  data.keep(data.incoming() / "x", id);
  EXPECT_EQ(slurp(data.source(id)), "content");
  EXPECT_FALSE(fs::exists(data.incoming() / "x"));
  EXPECT_GE(data.bytes(), 7);
  data.remove(id);
  EXPECT_FALSE(fs::exists(data.job(id)));
  data.remove(id);
}

TEST(DataFolder, AStartRemovesWhatBelongsToNoJob) {
  const TempFolder folder;
  const std::string other = "doc_00000000000000000000000000000002";
  {
    const DataFolder data(folder / "data");
    for (const std::string& each : {std::string(id), other}) {
      folder.write("data/incoming/x", each);
      data.keep(data.incoming() / "x", each);
    }
    folder.write("data/incoming/cut", "half of an upload");
    fs::create_directory(folder / "data/jobs/mine");
  }
  const DataFolder data(folder / "data");
  data.remove_others({id});
  EXPECT_FALSE(fs::exists(data.incoming() / "cut"));
  EXPECT_TRUE(fs::exists(data.source(id)));
  EXPECT_FALSE(fs::exists(data.job(other)));
  EXPECT_TRUE(fs::exists(folder / "data/jobs/mine")) << "no server made it";
}

}  // namespace
}  // namespace lectern::server
