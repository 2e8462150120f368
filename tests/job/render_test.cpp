#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "lectern/document.h"
#include "lectern/error.h"
#include "lectern/output.h"
#include "output/writer.h"
#include "support/pages.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;
using ::testing::ThrowsMessage;

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
    EXPECT_EQ(text, expected) << format.name();
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

std::string pdf_of_document(Document& document, const OutputOptions& options = {}) {
  std::string pdf;
  Writer writer(
      Format::pdf, [&](std::string_view bytes) { pdf += bytes; }, testing::info_of(1), options);
  for (int i = 0; i < document.pages(); ++i) {
    const Image image = document.image(i);
    const std::string raw = "<|ref|>text<|/ref|><|det|>[[100, 200, 500, 300]]<|/det|>\nword" + std::to_string(i + 1);
    writer.add(testing::page_of(i + 1, raw, image.width(), image.height()), &image);
  }
  writer.finish();
  return pdf;
}

TEST(Render, LaysTextOverThePagesOfADocument) {
  const std::string original = testing::pdf_of(
      {{.content = testing::filled("1 0 0", 7, 0, 50, 50)}, {.content = "BT /F 20 Tf 10 40 Td (own text) Tj ET"}});
  Document document = Document::from_bytes(std::as_bytes(std::span(original)), "upload");
  const std::string kept = pdf_of_document(document);
  EXPECT_THAT(kept, AllOf(HasSubstr("1 0 0 rg 7 0 50 50 re f"), HasSubstr("(own text)"), HasSubstr("/Lectern1 Do"),
                          Not(HasSubstr("/Image"))));
  EXPECT_EQ(kept.find("/Lectern1 Do"), kept.rfind("/Lectern1 Do")) << "the page that has text gets none";
  OutputOptions options;
  options.existing_text = OutputOptions::ExistingText::force;
  EXPECT_THAT(pdf_of_document(document, options), AllOf(Not(HasSubstr("(own text)")), HasSubstr("/Image")));
  options.existing_text = OutputOptions::ExistingText::redo;
  EXPECT_THAT([&] { pdf_of_document(document, options); },
              ThrowsMessage<Error>(HasSubstr("upload: hidden text gives way (`existing_text` = redo) in read_docu")));
  Document locked = Document::open(TEST_DATA "/pdf/owner-only.pdf");
  EXPECT_THAT([&] { pdf_of_document(locked); }, ThrowsMessage<Error>(HasSubstr("owner-only.pdf: is encrypted")));
}

TEST(Render, EmbedsAPictureOfADocumentAsItsFileHasIt) {
  const std::string jpeg = encode_jpeg(testing::picture_of(160, 96), 90);
  Document document = Document::from_bytes(std::as_bytes(std::span(jpeg)), "scan");
  EXPECT_THAT(pdf_of_document(document), HasSubstr(jpeg));
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
  const auto refused = ThrowsMessage<Error>("format boxes: a picture is of one page; give each a sink of its own");
  EXPECT_THAT([&] { write(pages, Format::boxes, [](std::string_view) {}); }, refused);
  Writer writer(Format::boxes, [](std::string_view) {});  // that does not say how many there will be
  writer.add(pages[0]);
  EXPECT_THAT([&] { writer.add(pages[1]); }, refused);
}

TEST(Render, RefusesWhatWouldSpoilADocument) {
  const Page page = testing::page_of(1, "one");
  EXPECT_THAT([&] { Writer(Format::text, Sink()); }, ThrowsMessage<Error>("there is no sink to write to"));
  for (const FormatInfo& format : format_infos()) {
    std::string text;
    Writer writer(format.format, [&](std::string_view bytes) { text += bytes; });
    writer.add(page);
    writer.finish();
    const std::string finished = text;
    EXPECT_THROW(writer.finish(), Error) << format.name();
    EXPECT_THROW(writer.add(page), Error) << format.name();
    EXPECT_EQ(text, finished) << format.name();
  }
}

}  // namespace
}  // namespace lectern
