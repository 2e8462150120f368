#include "core/files/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string_view text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, HoldsTheBytes) {
  const testing::TempFolder folder;
  const MappedFile file(folder.write("a", std::string_view("one\0two", 7)));
  EXPECT_EQ(text(file), std::string_view("one\0two", 7));
}

TEST(MappedFile, EmptyFileIsAnEmptySpan) {
  const testing::TempFolder folder;
  EXPECT_TRUE(MappedFile(folder.write("a", "")).bytes().empty());
  EXPECT_TRUE(MappedFile().bytes().empty());
}

TEST(MappedFile, MovesWithItsBytesInPlace) {
  const testing::TempFolder folder;
  MappedFile first(folder.write("a", "first"));
  const auto* data = first.bytes().data();
  MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes().data(), data);
  MappedFile third(folder.write("b", "third"));
  third = std::move(second);
  EXPECT_EQ(text(third), "first");
}

TEST(MappedFile, OutlivesTheNameOfItsFile) {
  const testing::TempFolder folder;
  const auto path = folder.write("a", "still here");
  const MappedFile file(path);
  std::filesystem::remove(path);
  EXPECT_EQ(text(file), "still here");
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
  const testing::TempFolder folder;
  EXPECT_THAT([&] { MappedFile(folder / "absent"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("absent: cannot be opened"), HasSubstr("No such file"))));
  EXPECT_THAT([&] { MappedFile(folder.path()); },
              ThrowsMessage<Error>(HasSubstr("is a folder, expected a regular file")));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { MappedFile(folder / "pipe"); }, ThrowsMessage<Error>(HasSubstr("pipe: is a device or pipe")));
  EXPECT_THAT([&] { MappedFile("/dev/null"); }, ThrowsMessage<Error>(HasSubstr("/dev/null: is a device or pipe")));
}

// Not under the sanitizers, which handle the signal themselves.
#if !defined(__SANITIZE_ADDRESS__)
TEST(MappedFileDeathTest, OneThatIsShortenedEndsTheProcessInOneLine) {
  const testing::TempFolder folder;
  const std::string path = folder.write("weights", std::string(100'000, 'x'));
  EXPECT_EXIT(
      {
        end_in_one_line_when_shortened(2);
        const MappedFile other(folder.write("other", std::string(100'000, 'y')));
        const MappedFile file(path);
        std::filesystem::resize_file(path, 10);
        const volatile std::byte* const bytes = file.bytes().data();
        static_cast<void>(bytes[90'000]);
      },
      ::testing::ExitedWithCode(2), "^lectern: .*weights: was shortened while it was in use");
}

TEST(MappedFileDeathTest, AnotherBusErrorStaysOne) {
  EXPECT_EXIT(
      {
        end_in_one_line_when_shortened(2);
        ::raise(SIGBUS);
        ::raise(SIGBUS);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}
#endif

}  // namespace
}  // namespace lectern
