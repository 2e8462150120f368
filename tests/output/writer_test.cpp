// What holds for the writers of every format.
#include "output/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <string>
#include <utility>
#include <vector>

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
  for (const FormatInfo& format : format_infos()) {
    const TempFolder folder;
    const fs::path path = folder / "a";
    const Picture picture = testing::picture_of();
    {
      const auto writer = make_writer(format.format, path, testing::info_of(1), {});
      writer->page(testing::page_of(1, "Text"), &picture);
    }
    EXPECT_TRUE(fs::is_empty(folder.path())) << format.name();
    const auto writer = make_writer(format.format, path, testing::info_of(1), {});
    writer->page(testing::page_of(1, "Text"), &picture);
    EXPECT_FALSE(fs::exists(path)) << format.name();
    writer->finish();
    EXPECT_GT(fs::file_size(path), 3u) << format.name();
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1) << format.name();
  }
}

// Every printed character outside of the models' own tags and marks is in every format.
TEST(Writers, LoseNothingThatWasPrinted) {
  if (std::system("command -v pdftotext >/dev/null 2>&1") != 0) GTEST_SKIP() << "pdftotext is not installed";
  const std::vector<std::string> words = {"alpha", "x<y", "z>w", "&",    "<name>", "</end>", "a&b;",  "2**3",  "(**)",
                                          "_u_",   "~",   "[q]", "(r)",  "$5",     "%",      "#",     "\"k\"", "it's",
                                          "|",     "^",   "{}",  "é漢я", "<!--",   "-->",    "&euro", "`",     "=="};
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::string text = "begin", printed = "begin";
    for (int i = 0; i < 60; ++i) {
      const std::string& word = words[random() % words.size()];
      text += " " + word;
      printed += word;
    }
    const std::string cell = "<table><tr><td></td><td>" + text + "</td><td>last</td></tr></table>";
    const std::string raw = "<|ref|>text<|/ref|><|det|>[[10, 10, 900, 300]]<|/det|>\n" + text +
                            "\n\n<|ref|>table<|/ref|><|det|>[[10, 400, 900, 900]]<|/det|>\n" + cell;
    const TempFolder folder;
    for (const FormatInfo& format : format_infos()) {
      if (format.format == Format::boxes || format.format == Format::json || format.format == Format::raw) continue;
      const fs::path path = folder / "a";
      const auto writer = make_writer(format.format, path, testing::info_of(1), {});
      writer->page(testing::page_of(1, raw), nullptr);
      writer->finish();
      std::string found = slurp(path);
      if (format.format == Format::pdf) {
        ASSERT_EQ(std::system(("pdftotext -raw '" + path.string() + "' '" + (folder / "t").string() + "'").c_str()), 0);
        found = slurp(folder / "t");
      }
      const bool markup = format.format == Format::html || format.format == Format::hocr;
      if (markup) found = std::regex_replace(found, std::regex("<(style|script|title)[^>]*>[^<]*</[^>]*>|<[^>]*>"), "");
      if (markup || format.format == Format::markdown) {
        if (!markup) found = std::regex_replace(found, std::regex("</?(table|tr|td)>"), "");
        for (const auto& [entity, character] : std::vector<std::pair<std::string, std::string>>{
                 {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
          found = std::regex_replace(found, std::regex(entity), character);
        }
      }
      std::erase_if(found, [](unsigned char c) { return std::isspace(c) != 0 || c == '\\'; });
      const size_t first = found.find(printed);
      ASSERT_NE(first, std::string::npos) << format.name() << ": " << printed << "\n is not in " << found;
      ASSERT_NE(found.find(printed + "last", first + printed.size()), std::string::npos)
          << format.name() << ": " << printed << "\n is not in " << found;
    }
  }
}

TEST(Formats, AreToldByEveryExtension) {
  EXPECT_EQ(format_of("a.md"), Format::markdown);
  EXPECT_EQ(format_of("a.b/c.JSON"), Format::json);
  EXPECT_EQ(format_of("a.mmd"), Format::raw);
  EXPECT_EQ(format_of("a.htm"), Format::html);
  EXPECT_EQ(format_of("a.png"), Format::boxes);
  EXPECT_EQ(format_of("a.boxes.PNG"), Format::boxes);
  for (const char* name : {"a.docx", "md", ".md", "a.md.gz", "a.xml", "a.jpg", "a."})
    EXPECT_EQ(format_of(name), std::nullopt);
  for (const FormatInfo& format : format_infos()) {
    EXPECT_EQ(format_named(format.name()), format.format);
    for (const std::string_view extension : format.extensions) {
      if (extension.empty()) continue;
      EXPECT_EQ(format_of("x" + std::string(extension)), format.format) << extension;
    }
  }
  EXPECT_THROW(format_named("docx"), Error);
}

TEST(Formats, NameWhatLiesBesideTheirFiles) {
  EXPECT_EQ(page_folder_of("out/a.boxes.png", Format::boxes), "out/a_boxes");
  EXPECT_EQ(page_folder_of("out/a.png", Format::boxes), "out/a_boxes");
  EXPECT_EQ(page_folder_of("b.c.md", Format::markdown), "b.c_figures");
  EXPECT_EQ(page_folder_of("text", Format::markdown), "text_figures");
  EXPECT_EQ(page_folder_of("-", Format::markdown), "");
  EXPECT_EQ(page_folder_of("a.txt", Format::text), "");
}

TEST(Writers, MarkPagesThatFailed) {
  for (const Format format : {Format::markdown, Format::text, Format::json, Format::html, Format::hocr, Format::raw}) {
    const TempFolder folder;
    const auto writer = make_writer(format, folder / "a", testing::info_of(2), {});
    writer->page(testing::failed_page(1, "the scanner was on fire"), nullptr);
    writer->page(testing::page_of(2, "Behind"), nullptr);
    writer->finish();
    EXPECT_THAT(slurp(folder / "a"), HasSubstr("the scanner was on fire")) << format_info(format).name();
    EXPECT_THAT(slurp(folder / "a"), HasSubstr("Behind")) << format_info(format).name();
  }
}

TEST(Writers, SayThatAFileCannotBeWritten) {
  for (const FormatInfo& format : format_infos()) {
    const TempFolder folder;
    const Picture picture = testing::picture_of();
    EXPECT_THROW(
        {
          const auto writer = make_writer(format.format, folder / "none/a", testing::info_of(1), {});
          writer->page(testing::page_of(1, "Text"), &picture);
        },
        Error)
        << format.name();
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
    Page page =
        testing::page_of(1, "<|ref|>text<|/ref|><|det|>[[1, 1, 900, 900]]<|/det|>\n" + std::string(20'000, 'x'));
    writer->page(page, &picture);
    const int64_t before = resident_bytes();
    for (page.number = 2; page.number <= pages; ++page.number) writer->page(page, &picture);
    writer->finish();
    EXPECT_LT(resident_bytes() - before, 16'000'000) << format_info(format).name();
    EXPECT_GT(fs::file_size(folder / "a"), 10'000'000u) << format_info(format).name();
  }
}

}  // namespace
}  // namespace lectern
