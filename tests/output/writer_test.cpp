// What holds for the writers of every format.
#include "output/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

int64_t resident_bytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(Writers, AppearWhenTheyAreFinished) {
  for (const FormatName& format : format_names()) {
    if (format.format == Format::boxes) continue;  // each of its pages is a file of its own
    const TempFolder folder;
    const fs::path path = folder / "a";
    const Picture picture = testing::picture_of();
    {
      const auto writer = make_writer(format.format, path, testing::info_of(1), {});
      writer->page(testing::page_of(1, "Text"), &picture);
    }
    EXPECT_TRUE(fs::is_empty(folder.path())) << format.name;
    const auto writer = make_writer(format.format, path, testing::info_of(1), {});
    writer->page(testing::page_of(1, "Text"), &picture);
    EXPECT_FALSE(fs::exists(path)) << format.name;
    writer->finish();
    EXPECT_GT(fs::file_size(path), 3u) << format.name;
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1) << format.name;
  }
}

TEST(Writers, MarkPagesThatFailed) {
  for (const Format format : {Format::markdown, Format::text, Format::json, Format::html, Format::hocr, Format::raw}) {
    const TempFolder folder;
    const auto writer = make_writer(format, folder / "a", testing::info_of(2), {});
    writer->page(testing::failed_page(1, "the scanner was on fire"), nullptr);
    writer->page(testing::page_of(2, "Behind"), nullptr);
    writer->finish();
    EXPECT_THAT(slurp(folder / "a"), HasSubstr("the scanner was on fire")) << name_of(format).name;
    EXPECT_THAT(slurp(folder / "a"), HasSubstr("Behind")) << name_of(format).name;
  }
}

TEST(Writers, SayThatAFileCannotBeWritten) {
  for (const FormatName& format : format_names()) {
    const TempFolder folder;
    const Picture picture = testing::picture_of();
    EXPECT_THROW(
        {
          const auto writer = make_writer(format.format, folder / "none/a", testing::info_of(1), {});
          writer->page(testing::page_of(1, "Text"), &picture);
        },
        Error)
        << format.name;
  }
}

TEST(Writers, NeedMemoryForOnePageOnly) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer keeps memory that was freed";
#endif
  // Noise, so that the picture of a page is not small: 1000 of them are 50 MB.
  Picture picture(200, 200);
  std::mt19937 random(1);
  for (uint8_t& sample : picture.rgb) sample = static_cast<uint8_t>(random());
  constexpr int pages = 1000;
  for (const Format format : {Format::markdown, Format::json, Format::html, Format::hocr, Format::pdf}) {
    const TempFolder folder;
    const auto writer = make_writer(format, folder / "a", testing::info_of(pages), {});
    DocumentPage page =
        testing::page_of(1, "<|ref|>text<|/ref|><|det|>[[1, 1, 900, 900]]<|/det|>\n" + std::string(20'000, 'x'));
    writer->page(page, &picture);
    const int64_t before = resident_bytes();
    for (page.number = 2; page.number <= pages; ++page.number) writer->page(page, &picture);
    writer->finish();
    EXPECT_LT(resident_bytes() - before, 16'000'000) << name_of(format).name;
    EXPECT_GT(fs::file_size(folder / "a"), 10'000'000u) << name_of(format).name;
  }
}

}  // namespace
}  // namespace lectern
