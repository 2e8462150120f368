// PDFs made by the tests, rendered by the real lectern-pdf.
#include "input/pdf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::filled;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::pdf_of;
using testing::pdf_of_objects;
using testing::PdfPage;
using ::testing::StartsWith;
using testing::stream_of;

std::vector<int> pixel(const Picture& picture, int x, int y) {
  const uint8_t* p = picture.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}

class PdfFile : public ::testing::Test {
 protected:
  std::unique_ptr<PdfSource> open(const std::string& pdf, const SourceOptions& options = {}) const {
    return std::make_unique<PdfSource>(InputFile(folder.write("a.pdf", pdf)), options);
  }
  template <class Body>
  static std::string failure(Body body) {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  testing::TempFolder folder;
};

TEST_F(PdfFile, RendersPagesInAnyOrder) {
  // The left half of every page has the page's colour.
  const auto source = open(pdf_of({{.content = filled("1 0 0", 0, 0, 100, 100)},
                                   {.content = filled("0 1 0", 0, 0, 100, 100), .media_box = "0 0 200 300"},
                                   {.content = filled("0 0 1", 0, 0, 100, 100)}}),
                           {.dpi = 72});
  ASSERT_EQ(source->pages(), 3);
  for (const int index : {2, 0, 1, 1}) {
    const SourcePage page = source->page(index);
    EXPECT_EQ(page.picture.width, 200);
    EXPECT_EQ(page.picture.height, index == 1 ? 300 : 100);
    EXPECT_EQ(page.dpi, 72);
    EXPECT_EQ(page.turn, 0);
    std::vector<int> colour(3, 0);
    colour[static_cast<size_t>(index)] = 255;
    EXPECT_EQ(pixel(page.picture, 50, page.picture.height - 50), colour);
    EXPECT_THAT(pixel(page.picture, 150, 50), ElementsAre(255, 255, 255)) << "paper";
  }
}

TEST_F(PdfFile, RendersText) {
  const auto source = open(pdf_of({{.content = "BT /F 30 Tf 10 40 Td (Lectern) Tj ET"}}));
  const Picture picture = source->page(0).picture;
  int dark = 0;
  for (const uint8_t value : picture.rgb) dark += value < 64;
  EXPECT_GT(dark, 3000);
  EXPECT_LT(dark, 100'000);
}

TEST_F(PdfFile, The200DotsPerInchOrThoseAskedFor) {
  const std::string pdf = pdf_of({{.content = "", .media_box = "0 0 595.276 841.89"}});
  const SourcePage usual = open(pdf)->page(0);
  EXPECT_EQ(std::pair(usual.picture.width, usual.picture.height), std::pair(1654, 2339));
  EXPECT_EQ(usual.dpi, 200);
  const SourcePage fine = open(pdf, {.dpi = 301.5})->page(0);
  EXPECT_EQ(std::pair(fine.picture.width, fine.picture.height), std::pair(2493, 3525));
  EXPECT_EQ(fine.dpi, 301.5);
}

TEST_F(PdfFile, HugePagesAreRenderedWithinTheLimits) {
  const std::string pdf =
      pdf_of({{.content = filled("1 0 0", 0, 0, 500000, 2000000), .media_box = "0 0 1000000 2000000"}});
  SourceOptions options;
  options.limits.max_pixels = 1'000'000;
  const SourcePage page = open(pdf, options)->page(0);
  EXPECT_LE(page.picture.width * page.picture.height, 1'000'000);
  EXPECT_GT(page.picture.width * page.picture.height, 900'000);
  EXPECT_NEAR(page.dpi, 72 * page.picture.height / 2e6, 1e-4);
  EXPECT_THAT(pixel(page.picture, 10, 10), ElementsAre(255, 0, 0));
  EXPECT_THAT(pixel(page.picture, page.picture.width - 10, 10), ElementsAre(255, 255, 255));
  options.limits.max_side = 100;
  EXPECT_EQ(open(pdf, options)->page(0).picture.height, 100);
}

TEST_F(PdfFile, BandsOfALargePageFitTogether) {
  // 50 million pixels: two bands. A slanted line crosses them all.
  const auto source =
      open(pdf_of({{.content = "4 w 0 0 m 5000 10000 l S", .media_box = "0 0 5000 10000"}}), {.dpi = 72});
  const Picture picture = source->page(0).picture;
  ASSERT_EQ(std::pair(picture.width, picture.height), std::pair(5000, 10000));
  for (int y = 50; y < 9950; ++y) {
    const int x = (10000 - y) / 2;
    ASSERT_LT(pixel(picture, x, y)[0], 128) << y;
    ASSERT_EQ(pixel(picture, x + 20, y)[0], 255) << y;
    ASSERT_EQ(pixel(picture, x - 20, y)[0], 255) << y;
  }
}

TEST_F(PdfFile, RotatedPagesStandAsDisplayed) {
  // Red in the lower left corner as stored; turned clockwise it comes to the upper left, upper right, lower right.
  std::vector<PdfPage> pages;
  for (const char* keys : {"", "/Rotate 90", "/Rotate 180", "/Rotate 270", "/Rotate -90", "/Rotate 450"}) {
    pages.push_back({.content = filled("1 0 0", 0, 0, 20, 20), .keys = keys});
  }
  const auto source = open(pdf_of(pages), {.dpi = 72});
  const std::vector<int> turns = {0, 90, 180, 270, 270, 90};
  for (int i = 0; i < 6; ++i) {
    const SourcePage page = source->page(i);
    const int turn = turns[static_cast<size_t>(i)];
    EXPECT_EQ(page.turn, turn);
    const bool lies = turn % 180 != 0;
    ASSERT_EQ(std::pair(page.picture.width, page.picture.height), lies ? std::pair(100, 200) : std::pair(200, 100));
    const int x = turn == 0 || turn == 90 ? 5 : page.picture.width - 5;
    const int y = turn == 90 || turn == 180 ? 5 : page.picture.height - 5;
    EXPECT_THAT(pixel(page.picture, x, y), ElementsAre(255, 0, 0)) << i;
  }
}

TEST_F(PdfFile, TheCropBoxIsThePage) {
  const auto source = open(pdf_of({{.content = filled("1 0 0", 50, 50, 20, 20), .keys = "/CropBox [50 50 90 70]"},
                                   {.content = filled("1 0 0", -100, -100, 50, 50), .media_box = "-100 -100 100 0"}}),
                           {.dpi = 72});
  const Picture cropped = source->page(0).picture;
  EXPECT_EQ(std::pair(cropped.width, cropped.height), std::pair(40, 20));
  EXPECT_THAT(pixel(cropped, 5, 10), ElementsAre(255, 0, 0));
  const Picture shifted = source->page(1).picture;
  EXPECT_EQ(std::pair(shifted.width, shifted.height), std::pair(200, 100));
  EXPECT_THAT(pixel(shifted, 5, 95), ElementsAre(255, 0, 0));
}

TEST_F(PdfFile, OddBoxes) {
  for (const std::string box : {"0 0 0 0", "0 0 0 100", "200 100 0 0", "0 0 -200 -100", "0 0 0.001 0.001", "a b c d",
                                "", "0 0 1e300 1e300", "-1e9 -1e9 1e9 1e9", "5 5 5 5"}) {
    SourceOptions options;
    options.limits.max_pixels = 4'000'000;
    const auto source = open(pdf_of({{.content = "", .media_box = box}, {.content = ""}}), options);
    ASSERT_EQ(source->pages(), 2) << box;
    try {
      const SourcePage page = source->page(0);
      EXPECT_GE(page.picture.width * page.picture.height, 1) << box;
      EXPECT_LE(page.picture.width * page.picture.height, 4'000'000) << box;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("a.pdf: page 1: ")) << box;
    }
    EXPECT_EQ(source->page(1).picture.width, 556) << box;
  }
}

TEST_F(PdfFile, Passwords) {
  const std::string data = TEST_DATA "/pdf/";
  const auto attempt = [&](const std::string& name, const std::string& password) {
    return failure([&] {
      PdfSource source(InputFile(data + name), {.dpi = 72, .password = password});
      EXPECT_THAT(pixel(source.page(0).picture, 5, 5), ElementsAre(255, 0, 0));
    });
  };
  for (const std::string name : {"user-and-owner-aes256.pdf", "user-and-owner-rc4.pdf"}) {
    EXPECT_EQ(attempt(name, "open"), "no error");
    EXPECT_EQ(attempt(name, "sesame"), "no error") << "the owner's";
    EXPECT_THAT(attempt(name, ""), EndsWith(name + ": is encrypted; give its password with `password`"));
    EXPECT_THAT(attempt(name, "Open"), EndsWith(name + ": is encrypted, and the password does not open it"));
  }
  EXPECT_EQ(attempt("owner-only.pdf", ""), "no error") << "anyone may look at it";
  EXPECT_EQ(attempt("owner-only.pdf", "needless"), "no error");
  EXPECT_THAT(attempt("owner-only.pdf", std::string(2000, 'x')), HasSubstr("`password`"));
}

TEST_F(PdfFile, APageOfImpossibleSizeIsAnError) {
  const std::vector<std::string> boxes = {"0 0 99999999999999999999 46.08", "0 0 1" + std::string(30, '0') + " 100",
                                          "0 0 0.001 100", "0 0 14400 0.01"};
  for (const std::string& box : boxes) {
    const auto source = open(pdf_of({{.content = "", .media_box = box}, {.content = ""}}));
    EXPECT_THAT(failure([&] { source->page(0); }), HasSubstr("a.pdf: page 1: its size of ")) << box;
    EXPECT_EQ(source->page(1).picture.width, 556) << box;
  }
}

TEST_F(PdfFile, UnitsOfThePageAreApplied) {
  const auto source =
      open(pdf_of({{.content = filled("1 0 0", 0, 0, 4, 2), .media_box = "0 0 9.216 4.608", .keys = "/UserUnit 10"},
                   {.content = "", .media_box = "0 0 9.216 4.608", .keys = "/UserUnit 10 /Rotate 90"},
                   {.content = "", .media_box = "0 0 72 36", .keys = "/UserUnit (ten)"},
                   {.content = "", .media_box = "0 0 72 36", .keys = "/UserUnit -3"}}));
  const SourcePage page = source->page(0);
  EXPECT_EQ(std::pair(page.picture.width, page.picture.height), std::pair(256, 128));
  EXPECT_EQ(page.dpi, 200);
  EXPECT_THAT(pixel(page.picture, 50, 100), ElementsAre(255, 0, 0));
  EXPECT_THAT(pixel(page.picture, 150, 50), ElementsAre(255, 255, 255));
  const SourcePage turned = source->page(1);
  EXPECT_EQ(std::pair(turned.picture.width, turned.picture.height), std::pair(128, 256));
  for (const int index : {2, 3}) EXPECT_EQ(source->page(index).picture.width, 200);
}

// One page of these keys, behind it the objects from 4 on.
std::string one_page(const std::string& keys, std::vector<std::string> objects) {
  objects.insert(objects.begin(), {"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                                   "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] " + keys + " >>"});
  return pdf_of_objects(objects);
}

TEST_F(PdfFile, WhatIsLostOfAPageIsSaid) {
  const std::string shown = "/Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >>";
  const std::string draw = stream_of("q 200 0 0 100 0 0 cm /I Do Q");
  const auto image = [](const std::string& data, const std::string& keys) {
    return stream_of(data,
                     " /Type /XObject /Subtype /Image /Width 64 /Height 64 /BitsPerComponent 8 /ColorSpace "
                     "/DeviceGray " +
                         keys);
  };
  // The head of a Flate stream of 4,096 bytes, cut off.
  const std::string half("\x78\x9c\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0", 11);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"rubbish", one_page(shown, {draw, image(std::string(300, 'x'), "/Filter /FlateDecode")})},
      {"half a stream", one_page(shown, {draw, image(half, "/Filter /FlateDecode")})},
      {"an unknown filter", one_page(shown, {draw, image(std::string(4096, '\0'), "/Filter /FooDecode")})},
      {"rubbish for a JPEG", one_page(shown, {draw, image(std::string(300, 'x'), "/Filter /DCTDecode")})},
      {"less data than pixels", one_page(shown, {draw, image("abc", "")})},
      {"half of ASCII85", one_page(shown, {draw, image(std::string(300, '5'), "/Filter /ASCII85Decode")})},
      {"rubbish for ASCII85", one_page(shown, {draw, image("\x80\x81zz\xff~", "/Filter /ASCII85Decode")})},
      {"half of hexadecimal numbers",
       one_page(shown, {draw, image(std::string(99, 'A') + ">", "/Filter /ASCIIHexDecode")})},
      {"half of lengths", one_page(shown, {draw, image("\x81y\x80", "/Filter /RunLengthDecode")})},
      {"half behind another filter",
       one_page(shown, {draw, image("78 9c 63 60 00 00 00 02 00 01 >", "/Filter [/ASCIIHexDecode /FlateDecode]")})},
      {"rubbish for a fax",
       one_page(shown, {draw, stream_of("\x93xyz\x01\xfe,",
                                        " /Type /XObject /Subtype /Image /Width 64 /Height 64 /BitsPerComponent 1 "
                                        "/ColorSpace /DeviceGray /Filter /CCITTFaxDecode /DecodeParms << /K -1 "
                                        "/Columns 64 /Rows 64 >>")})},
      {"a short mask",
       one_page(shown,
                {draw, stream_of("ab", " /Type /XObject /Subtype /Image /Width 64 /Height 64 /ImageMask true")})},
      {"a short picture in a form",
       one_page(shown, {draw,
                        stream_of("/P Do",
                                  " /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /P 6 "
                                  "0 R >> >>"),
                        image("abc", "")})},
      {"a short picture in the content",
       one_page("/Contents 4 0 R", {stream_of("q 200 0 0 100 0 0 cm BI /W 64 /H 64 /BPC 8 /CS /G ID abc\nEI Q")})},
      {"a missing picture", one_page("/Contents 4 0 R /Resources << /XObject << /I 99 0 R >> >>", {draw})},
      {"a missing content", one_page("/Contents 99 0 R", {})},
      {"a missing part of the content", one_page("/Contents [4 0 R 99 0 R]", {stream_of("")})},
      {"a font without glyphs for what is written",
       one_page("/Contents 4 0 R /Resources << /Font << /F 99 0 R >> >>", {stream_of("BT /F 30 Tf (lost) Tj ET")})},
  };
  // What is whole, or lacks less than a row, is no loss.
  for (const std::string& whole : {image(std::string(4096, 'x'), ""), image(std::string(4095, 'x'), ""),
                                   image(std::string(5120, 'z') + "~>", "/Filter /ASCII85Decode"),
                                   image(std::string(4096, 'x') + "and more", "")}) {
    EXPECT_TRUE(open(one_page(shown, {draw, whole}))->page(0).warnings.empty());
  }
  for (const auto& [what, pdf] : cases) {
    const SourcePage page = open(pdf)->page(0);
    EXPECT_TRUE(may_be_incomplete(page.warnings)) << what;
    for (const Warning& warning : page.warnings) {
      EXPECT_EQ(warning.code, WarningCode::damaged_input) << what;
      EXPECT_THAT(warning.message, StartsWith("poppler reports: ")) << what;
    }
  }
  const auto source = open(pdf_of({{.content = "BT /F 30 Tf 10 40 Td (Lectern) Tj ET"}}));
  EXPECT_TRUE(source->warnings().empty());
  EXPECT_TRUE(source->page(0).warnings.empty());
}

TEST_F(PdfFile, AFontOfAnotherScriptIsDrawnOrWhatItLacksIsNamed) {
  const std::string pdf = one_page(
      "/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >>",
      {stream_of("BT /F 30 Tf 10 40 Td <4E2D6587> Tj ET"),
       "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
       "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R /CIDSystemInfo "
       "<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
       "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 "
       "/Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"});
  const SourcePage page = open(pdf)->page(0);
  const bool named = std::ranges::any_of(page.warnings, [](const Warning& warning) {
    return warning.message.find("is the package poppler-data installed?") != std::string::npos;
  });
  EXPECT_NE(named, std::filesystem::exists("/usr/share/poppler/cMap")) << "with the package no table is missing";
  const bool has_font = std::system("fc-list ':lang=zh-cn' 2>/dev/null | grep -q .") == 0;
  EXPECT_EQ(may_be_incomplete(page.warnings), !has_font || named);
  const bool boxes = std::ranges::any_of(page.warnings, [](const Warning& warning) {
    return warning.message.find("2 characters are not drawn: the font STSong-Light is not in the file, and ") !=
           std::string::npos;
  });
  EXPECT_EQ(boxes, !has_font && !named);
}

// As an earlier recognition leaves it.
TEST_F(PdfFile, AFontThatIsNotSeenNeedsNoCharacters) {
  const std::string pdf = one_page(
      "/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >>",
      {stream_of("BT 3 Tr /F 30 Tf 10 40 Td <4E2D6587> Tj ET"),
       "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
       "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R /CIDSystemInfo "
       "<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
       "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 "
       "/Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"});
  for (const Warning& warning : open(pdf)->page(0).warnings) EXPECT_THAT(warning.message, Not(HasSubstr("not drawn")));
}

TEST_F(PdfFile, ReportsBelongToTheirPage) {
  const auto source =
      open(pdf_of({{.content = "/Nothing Do"}, {.content = ""}, {.content = "/Nothing Do /Nothing Do"}}));
  EXPECT_EQ(source->page(0).warnings.size(), 1);
  EXPECT_EQ(source->page(1).warnings.size(), 0);
  EXPECT_EQ(source->page(2).warnings.size(), 1) << "the same twice";
}

TEST_F(PdfFile, FilesBesideThePagesAreNamed) {
  const auto holding = [](const std::string& names, const std::vector<std::string>& more) {
    std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R " + names + " >>",
                                        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                                        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>"};
    objects.insert(objects.end(), more.begin(), more.end());
    return pdf_of_objects(objects);
  };
  const std::string portfolio =
      holding("/Collection << /Type /Collection >> /Names << /EmbeddedFiles << /Names [(a.pdf) 4 0 R] >> >>",
              {"<< /Type /Filespec /F (a.pdf) /UF (a.pdf) /EF << /F 5 0 R >> >>",
               stream_of("%PDF-1.7", " /Type /EmbeddedFile")});
  const auto source = open(portfolio);
  ASSERT_EQ(source->warnings().size(), 1);
  EXPECT_EQ(source->warnings()[0].code, WarningCode::not_read);
  EXPECT_EQ(source->warnings()[0].message, "holds 1 file besides its pages, not read");
}

TEST_F(PdfFile, PagesThatAFormMakesAreNamed) {
  const auto warnings_of = [&](const std::string& catalogue) {
    return open(pdf_of_objects({"<< /Type /Catalog /Pages 2 0 R " + catalogue + " >>",
                                "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>", stream_of("<xdp/>"),
                                "<< /Type /Annot /Subtype /Widget /FT /Tx /T (one) /Rect [0 0 9 9] >>"}))
        ->warnings();
  };
  const auto dynamic = warnings_of("/NeedsRendering true /AcroForm << /Fields [5 0 R] /XFA 4 0 R >>");
  ASSERT_EQ(dynamic.size(), 1u);
  EXPECT_EQ(dynamic[0].code, WarningCode::not_read);
  EXPECT_THAT(dynamic[0].message, HasSubstr("holds a form (XFA) of which its real pages are made"));
  EXPECT_EQ(warnings_of("/AcroForm << /Fields [] /XFA 4 0 R >>").size(), 1u);
  EXPECT_EQ(warnings_of("/AcroForm << /Fields [5 0 R] /XFA 4 0 R >>").size(), 0u) << "its pages show its fields";
}

TEST_F(PdfFile, WithoutAPageThatCanBeFound) {
  const std::string page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>";
  const auto pdf = [&](const std::string& pages) {
    return pdf_of_objects({"<< /Type /Catalog /Pages 2 0 R >>", pages, page});
  };
  EXPECT_THAT(failure([&] { open(pdf("<< /Type /Pages /Count 0 /Kids [3 0 R] >>")); }),
              HasSubstr("a.pdf: is damaged: none of its pages can be found"));
  EXPECT_THAT(failure([&] { open(pdf("<< /Type /Pages /Count 0 /Kids [] >>")); }), HasSubstr("a.pdf: has no pages"));
}

TEST_F(PdfFile, OneEncryptedForCertificatesAsksForNoPassword) {
  std::string pdf = pdf_of_objects(
      {"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
       "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>",
       "<< /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 /R 4 /CF << /DefaultCryptFilter << /CFM /AESV2 "
       "/Recipients [<00>] >> >> /StmF /DefaultCryptFilter /StrF /DefaultCryptFilter >>"});
  pdf.replace(pdf.rfind("/Root 1 0 R"), 11, "/Root 1 0 R /Encrypt 4 0 R /ID [<00> <00>]");
  for (const std::string password : {"", "word"}) {
    SourceOptions options;
    options.password = password;
    const auto file = folder.write("secret.pdf", pdf);
    EXPECT_THAT(failure([&] { PdfSource(InputFile(file), options); }),
                HasSubstr("secret.pdf: is encrypted in a way that no password opens"));
  }
}

TEST_F(PdfFile, APasswordIsTriedInLatin1Too) {
  const std::string file = TEST_DATA "/pdf/latin1-password.pdf";
  const auto attempt = [&](const std::string& password) {
    return failure([&] {
      PdfSource source(InputFile(file), {.password = password});
      EXPECT_TRUE(source.page(0).warnings.empty()) << "the spelling that did not fit is nobody's concern";
    });
  };
  EXPECT_EQ(attempt("p\u00e4ss"), "no error") << "as a terminal of today sends it";
  EXPECT_EQ(attempt("p\xe4ss"), "no error");
  EXPECT_THAT(attempt("p\u00f6ss"), HasSubstr("the password does not open it"));
  EXPECT_THAT(attempt("p\u03b1ss"), HasSubstr("the password does not open it"));
}

TEST_F(PdfFile, SeveralAtATimeOnSeveralThreads) {
  std::vector<PdfPage> pages(5, {.content = filled("0 1 0", 0, 0, 200, 100)});
  const std::string file = folder.write("b.pdf", pdf_of(pages));
  std::vector<int> right(4);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < right.size(); ++t) {
      threads.emplace_back([&, t] {
        // Opened on one thread and used on another: the helper outlives the thread that started it.
        std::unique_ptr<PdfSource> source;
        std::jthread([&] { source = std::make_unique<PdfSource>(InputFile(file), SourceOptions{.dpi = 72}); }).join();
        for (int i = 0; i < source->pages(); ++i) {
          right[t] += pixel(source->page(i).picture, 100, 50) == std::vector<int>{0, 255, 0};
        }
      });
    }
  }
  EXPECT_THAT(right, ElementsAre(5, 5, 5, 5));
}

TEST_F(PdfFile, APageThatIsNotThere) {
  const auto source = open(pdf_of({{.content = ""}}));
  EXPECT_THAT(failure([&] { source->page(1); }), EndsWith("a.pdf: page 2 does not exist; there are 1"));
  EXPECT_THAT(failure([&] { source->page(-1); }), HasSubstr("does not exist"));
}

}  // namespace
}  // namespace lectern
