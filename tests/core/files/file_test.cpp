#include "core/files/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files/json_file.h"
#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;
using ::testing::ThrowsMessage;

auto files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

TEST(ReadTextFile, ReadsWholeFilesUpToTheLimit) {
  const TempFolder folder;
  const std::string long_text(300000, 'x');
  EXPECT_EQ(read_text_file(folder.write("empty", ""), 10), "");
  EXPECT_EQ(read_text_file(folder.write("a", "0123456789"), 10), "0123456789");
  EXPECT_EQ(read_text_file(folder.write("long", long_text), 1 << 20), long_text);
}

TEST(UnnamedFile, HoldsBytesWithoutAName) {
  const TempFolder folder;
  const UniqueFd file = unnamed_file(folder.path());
  ASSERT_TRUE(file);
  EXPECT_EQ(files_in(folder.path()), 0);
  ASSERT_EQ(::pwrite(file.get(), "abc", 3, 0), 3);
  std::string bytes(4, '?');
  EXPECT_EQ(::pread(file.get(), bytes.data(), 4, 0), 3);
  EXPECT_EQ(bytes, "abc?");
  EXPECT_FALSE(unnamed_file(folder / "nothing"));
}

TEST(ReadTextFile, NamesWhatIsWrong) {
  const TempFolder folder;
  EXPECT_THAT([&] { read_text_file(folder.write("a", "0123456789"), 9); },
              ThrowsMessage<Error>(HasSubstr("a: is larger than expected (at most 9 bytes)")));
  EXPECT_THAT([&] { read_text_file("/dev/zero", 1000); }, ThrowsMessage<Error>(HasSubstr("larger than expected")));
  EXPECT_THAT([&] { read_text_file(folder / "absent", 9); },
              ThrowsMessage<Error>(HasSubstr("absent: cannot be opened: No such file or directory")));
  EXPECT_THAT([&] { read_text_file(folder.path(), 9); },
              ThrowsMessage<Error>(HasSubstr("is a folder, expected a file")));
}

TEST(AtomicFile, AppearsOnCommit) {
  const TempFolder folder;
  const std::string block(3 << 20, 'b');
  AtomicFile file(folder / "a");
  file.write("head ");
  file.write(block);
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  file.commit();
  EXPECT_EQ(slurp(folder / "a"), "head " + block);
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(AtomicFile, LeavesTheTargetAloneWithoutCommit) {
  const TempFolder folder;
  folder.write("a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new");
  }
  EXPECT_EQ(slurp(folder / "a"), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(AtomicFile, ReplacesAFileAndKeepsItsPermissions) {
  const TempFolder folder;
  ASSERT_EQ(::chmod(folder.write("a", "old").c_str(), 0640), 0);
  AtomicFile file(folder / "a");
  file.write("new");
  file.commit();
  EXPECT_EQ(slurp(folder / "a"), "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, WritesThroughSymbolicLinks) {
  const TempFolder folder;
  std::filesystem::create_symlink(folder.write("real", "old"), folder / "link");
  AtomicFile file(folder / "link");
  file.write("new");
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(slurp(folder / "real"), "new");
}

TEST(AtomicFileTest, MakesTheFileThatALinkLeadsTo) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "elsewhere");
  std::filesystem::create_symlink("elsewhere/new.txt", folder / "link.txt");
  std::filesystem::create_symlink("link.txt", folder / "second.txt");
  AtomicFile file(folder / "second.txt");
  file.write("text");
  file.commit();
  EXPECT_EQ(slurp(folder / "elsewhere/new.txt"), "text");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.txt"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "second.txt"));
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  EXPECT_THROW(AtomicFile(folder / "a"), Error);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "a"));
}

TEST(AtomicFile, WritesUnderTheLongestName) {
  const TempFolder folder;
  const std::string name(255, 'n');
  AtomicFile file(folder / name);
  file.commit();
  EXPECT_TRUE(std::filesystem::exists(folder / name));
}

TEST(AtomicFile, HasNoNameBeforeItIsFinished) {
  const TempFolder folder;
  AtomicFile file(folder / "a");
  file.write("x");
  EXPECT_EQ(files_in(folder.path()), 0) << "whoever kills the process leaves nothing";
}

TEST(AtomicFile, KnowsWhatConcernsThePlace) {
  EXPECT_TRUE(concerns_the_place(system_error("a", "cannot be written", ENOSPC)));
  EXPECT_TRUE(concerns_the_place(system_error("a", "cannot be written", EROFS)));
  EXPECT_FALSE(concerns_the_place(system_error("a", "cannot be written", ENAMETOOLONG)));
  EXPECT_FALSE(concerns_the_place(Error("a picture is too wide")));
}

TEST(RemoveAbandonedFiles, TakesThoseOfProcessesThatAreGone) {
  const TempFolder folder;
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  const std::string dead = std::to_string(gone), alive = std::to_string(::getpid());
  for (const std::string& name : {".lectern-" + dead + "-1.tmp", ".lectern-" + dead + "-77.tmp"})
    folder.write(name, "x");
  const std::vector<std::string> kept = {".lectern-" + alive + "-1.tmp", ".lectern-" + dead + ".tmp",
                                         ".lectern-x-1.tmp", "lectern-" + dead + "-1.tmp", ".lectern-" + dead + "-1"};
  for (const std::string& name : kept) folder.write(name, "x");
  remove_abandoned_files(folder.path());
  EXPECT_EQ(files_in(folder.path()), static_cast<std::ptrdiff_t>(kept.size()));
  for (const std::string& name : kept) EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
}

TEST(AtomicFile, NamesWhatIsWrong) {
  const TempFolder folder;
  EXPECT_THAT([&] { AtomicFile(folder / "absent/a"); },
              ThrowsMessage<Error>(HasSubstr("absent/a: cannot be written: No such file or directory")));
  EXPECT_THAT([&] { AtomicFile(folder.path()); },
              ThrowsMessage<Error>(HasSubstr("is a folder, expected a regular file")));
  EXPECT_THAT([&] { AtomicFile("/dev/null"); }, ThrowsMessage<Error>(HasSubstr("/dev/null: is a device or pipe")));
  if (std::filesystem::exists("/dev/full")) {
    EXPECT_THAT([&] { AtomicFile("/dev/full"); }, ThrowsMessage<Error>(HasSubstr("/dev/full")));
  }
}

TEST(ParseJson, KeepsValues) {
  const nlohmann::json value = parse_json(R"({"a": [1, -2, 3.5, true, null, "é", {"b": {}}], "c": []})", "x.json");
  EXPECT_EQ(value, nlohmann::json::parse(R"({"a": [1, -2, 3.5, true, null, "é", {"b": {}}], "c": []})"));
  EXPECT_EQ(parse_json("3", "x.json"), 3);
}

TEST(ParseJson, RefusesDuplicateKeysWhereAsked) {
  constexpr auto text = R"({"a": {"k": 1, "k": 2}})";
  EXPECT_EQ(parse_json(text, "x.json")["a"]["k"], 2);
  EXPECT_THAT([&] { parse_json(text, "x.json", {.unique_keys = true}); },
              ThrowsMessage<Error>(HasSubstr("x.json: key k appears twice")));
}

TEST(ParseJson, BoundsNesting) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(64), "x.json"));
  EXPECT_THAT([&] { parse_json(nested(65), "x.json"); },
              ThrowsMessage<Error>(HasSubstr("x.json: nested more than 64 levels deep")));
  EXPECT_THAT([&] { parse_json(std::string(10'000'000, '['), "x.json"); },
              ThrowsMessage<Error>(HasSubstr("nested more than")));
}

TEST(ParseJson, NamesWhatIsWrongInOneLine) {
  for (const std::string text :
       {"", "{", "{\"a\" 1}", "[1] 2", "\"\xff\"", "\"a\nb\"", "1e999", "\"\\ud800\"", "nul"}) {
    EXPECT_THAT([&] { parse_json(text, "x.json"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("x.json: not valid JSON at byte "), Not(HasSubstr("\n")),
                                           Not(HasSubstr("json.exception")))))
        << text;
  }
}

TEST(ReadJson, NamesTheFile) {
  const TempFolder folder;
  EXPECT_EQ(read_json(folder.write("a.json", "[1]"))[0], 1);
  EXPECT_THAT([&] { read_json(folder.write("a.json", "[1")); },
              ThrowsMessage<Error>(HasSubstr("a.json: not valid JSON")));
  EXPECT_THAT([&] { read_json(folder / "b.json"); }, ThrowsMessage<Error>(HasSubstr("b.json: cannot be opened")));
}

TEST(Printable, IsOneShortLine) {
  EXPECT_EQ(printable("a\nb\x01\xc3\xa9"), "a?b???");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace lectern
