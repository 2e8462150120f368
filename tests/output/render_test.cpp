#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "lectern/output.h"
#include "output/writer.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::slurp;
using testing::TempFolder;

// What a sink gets is what a file gets, but for the note of provenance that ends Markdown in files.
TEST(Render, GivesEveryFormatToASink) {
  const Page page = testing::page_of(1, testing::paper_page);
  for (const FormatInfo& format : format_infos()) {
    const TempFolder folder;
    const auto writer = make_writer(format.format, folder / "a", testing::info_of(1), {});
    writer->page(page, nullptr);
    writer->finish();
    std::string text;
    Writer to_sink(
        format.format, [&](std::string_view bytes) { text += bytes; }, testing::info_of(1));
    to_sink.add(page);
    to_sink.finish();
    std::string expected = slurp(folder / "a");
    if (format.format == Format::markdown) expected.resize(expected.find("\n<!-- lectern "));
    EXPECT_EQ(text, expected) << format.name;
  }
}

TEST(Render, MakesAStringOfAPage) {
  const Page page = testing::page_of(1, "Some *words*");
  EXPECT_EQ(render(page, Format::markdown), "Some *words*\n");
  EXPECT_THAT(render(page, Format::json), HasSubstr("\"Some *words*\""));
  EXPECT_THAT(render(testing::failed_page(3, "it is damaged"), Format::text), HasSubstr("it is damaged"));
  const Picture picture = testing::picture_of();
  const Image image = Image::from_pixels(picture.rgb, picture.width, picture.height);
  EXPECT_GT(render(page, Format::html, &image).size(), render(page, Format::html).size() + 1000) << "with its picture";
  EXPECT_THAT(render(page, Format::pdf), ::testing::StartsWith("%PDF-"));
}

TEST(Render, GivesPagesToTheSinkAsTheyCome) {
  std::vector<std::string> pieces;
  Writer writer(Format::text, [&](std::string_view bytes) { pieces.emplace_back(bytes); });
  writer.add(testing::page_of(1, "one"));
  EXPECT_EQ(pieces, std::vector<std::string>{"one\n"});
  writer.add(testing::page_of(2, "two"));
  writer.finish();
  EXPECT_EQ(pieces, (std::vector<std::string>{"one\n", "\ntwo\n"}));
  std::string all;
  const std::vector<Page> pages = {testing::page_of(1, "one"), testing::page_of(2, "two")};
  write(pages, Format::text, [&](std::string_view bytes) { all += bytes; });
  EXPECT_EQ(all, "one\n\ntwo\n");
}

TEST(Render, PassesOnWhatTheSinkThrows) {
  const Page page = testing::page_of(1, "one");
  EXPECT_THROW(write({&page, 1}, Format::json, [](std::string_view) { throw std::runtime_error("full"); }),
               std::runtime_error);
}

TEST(Render, RefusesPicturesOfSeveralPagesInOneStream) {
  const std::vector<Page> pages(2, testing::page_of(1, "one"));
  EXPECT_THROW(write(pages, Format::boxes, [](std::string_view) {}), Error);
}

}  // namespace
}  // namespace lectern
