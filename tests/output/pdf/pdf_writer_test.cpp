#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "image/orientation.h"
#include "image/picture_encoder.h"
#include "image/picture_file.h"
#include "input/page_source.h"
#include "layout/text/block_text.h"
#include "layout/text/formula_text.h"
#include "layout/text/html_text.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;
using vips::VImage;

class PdfWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v pdftotext >/dev/null 2>&1") != 0) GTEST_SKIP() << "pdftotext is not installed";
  }

  void write(const std::vector<Page>& pages, const Picture* picture, const DocumentInfo& info = testing::info_of(1)) {
    const auto writer = make_writer(Format::pdf, folder / "a.pdf", info, {});
    for (const Page& page : pages) writer->page(page, picture);
    writer->finish();
  }

  std::string run(const std::string& command) const {
    const int status = std::system(("cd '" + folder.path().string() + "' && " + command + " >out 2>err").c_str());
    EXPECT_EQ(status, 0) << command;
    EXPECT_EQ(slurp(folder / "err"), "") << "nothing to complain about";
    return slurp(folder / "out");
  }

  struct Word {
    std::string text;
    Box box;  // in points
  };
  std::vector<Word> words() const {
    const std::string xml = run("pdftotext -bbox a.pdf -");
    static const std::regex pattern(
        "<word xMin=\"([0-9.-]+)\" yMin=\"([0-9.-]+)\" xMax=\"([0-9.-]+)\" yMax=\"([0-9.-]+)\">([^<]*)</word>");
    std::vector<Word> out;
    for (std::sregex_iterator at(xml.begin(), xml.end(), pattern), end; at != end; ++at) {
      const std::smatch& match = *at;
      out.push_back({parse_html(match[5].str()).at(0).text.text,
                     {std::stod(match[1]), std::stod(match[2]), std::stod(match[3]), std::stod(match[4])}});
    }
    return out;
  }

  TempFolder folder;
};

TEST_F(PdfWriter, PutsWordsWhereTheirBlocksStand) {
  Page page = testing::page_of(1, testing::paper_page, 1240, 1754);
  page.dpi = 150;
  const Picture picture = testing::picture_of(1240, 1754);
  write({page}, &picture);
  const double scale = 72.0 / 150;
  EXPECT_THAT(run("pdftotext -bbox a.pdf -"), HasSubstr("<page width=\"595.200000\" height=\"841.920000\">"));

  const std::vector<Word> found = words();
  std::map<std::string, std::vector<Box>> places;
  for (const Word& word : found) places[word.text].push_back(word.box);
  size_t checked = 0;
  for (const Block& block : page.blocks) {
    TextTree tree = parse_text(block);
    print_formulas(tree);
    std::istringstream text(plain_text(tree));
    for (std::string word; text >> word; ++checked) {
      // Words of these scripts may be broken at the end of a line; the next test looks at their text.
      if (word.find("\u949F") != std::string::npos) continue;
      bool here = false;
      for (const Box& at : places[word]) {
        for (const Box& box : block.boxes) {
          here |= at.left > box.left * scale - 1 && at.right < box.right * scale + 1 && at.top > box.top * scale - 1 &&
                  at.bottom < box.bottom * scale + 1;
        }
      }
      EXPECT_TRUE(here) << word << " of " << block.label;
    }
  }
  EXPECT_GT(checked, 100u);
}

TEST_F(PdfWriter, KeepsTheOrderOfTheTextInAnyScript) {
  write({testing::page_of(1,
                          "<|ref|>text<|/ref|><|det|>[[100, 100, 900, 130]]<|/det|>\n"
                          "Grüße, Ω ≠ ∑, 漢字とかな, Привет, 😀 emoji")},
        nullptr);
  EXPECT_THAT(run("pdftotext a.pdf -"), HasSubstr("Grüße, Ω ≠ ∑, 漢字とかな, Привет, 😀 emoji"));
}

TEST_F(PdfWriter, IsReadFromRightToLeftWhereTheScriptIs) {
  const std::string hebrew = "שלום עולם טוב", arabic = "مرحبا بالعالم الجميل";
  write({testing::page_of(1, "<|ref|>text<|/ref|><|det|>[[100, 100, 400, 130]]<|/det|>\n" + hebrew +
                                 "\n<|ref|>text<|/ref|><|det|>[[100, 300, 500, 330]]<|/det|>\n" + arabic)},
        nullptr);
  const std::string text = run("pdftotext a.pdf -");
  EXPECT_THAT(text, HasSubstr(hebrew));
  EXPECT_THAT(text, HasSubstr(arabic));
}

TEST_F(PdfWriter, ShowsThePictureAndNotTheText) {
  if (std::system("command -v pdftoppm >/dev/null 2>&1") != 0) GTEST_SKIP() << "pdftoppm is not installed";
  Page page = testing::page_of(1, testing::paper_page, 200, 300);
  page.dpi = 72;
  Picture picture(200, 300);
  for (size_t i = 0; i < picture.rgb.size(); i += 3) picture.rgb[i] = 255;
  write({page}, &picture);
  const std::string ppm = run("pdftoppm -r 72 a.pdf");
  ASSERT_TRUE(ppm.starts_with("P6\n200 300\n255\n"));
  size_t red = 0;
  for (size_t i = 15; i + 2 < ppm.size(); i += 3) {
    const auto sample = [&](size_t k) { return static_cast<uint8_t>(ppm[i + k]); };
    red += sample(0) > 240 && sample(1) < 15 && sample(2) < 15 ? 1 : 0;
  }
  EXPECT_EQ(red, 200u * 300);
}

// Discs of sizes and at places that vary, as letters do.
bool is_in_disc(int x, int y) {
  constexpr int cell = 45;
  const int column = x / cell, row = y / cell;
  const int shift = (column * column * 7 + row * row * 13 + column * row * 5) % 17;
  const int across = x % cell - 14 - shift, down = y % cell - 14 - shift * 5 % 13;
  return across * across + down * down < 60 + 13 * shift;
}

TEST_F(PdfWriter, KeepsOneBitAPixelOfBlackAndWhitePages) {
  if (std::system("command -v pdfimages >/dev/null 2>&1") != 0) GTEST_SKIP() << "pdfimages is not installed";
  const auto drawn = [](const auto& is_black) {
    Picture picture(1203, 900);
    for (int y = 0; y < 900; ++y) {
      for (int x = 0; x < 1203; ++x)
        std::fill_n(picture.row(y) + x * 3, 3, static_cast<uint8_t>(is_black(x, y) ? 0 : 255));
    }
    return picture;
  };
  struct Case {
    Picture picture;
    std::string filter;
  };
  const std::vector<Case> cases = {{drawn(is_in_disc), "/CCITTFaxDecode"},
                                   {drawn([](int x, int y) { return (x + y) % 2 == 0; }), "/FlateDecode"},
                                   {drawn([](int, int) { return true; }), "/FlateDecode"}};
  for (const auto& [picture, filter] : cases) {
    SCOPED_TRACE(filter);
    write({testing::page_of(1, "x", 1203, 900)}, &picture);
    const std::string bytes = slurp(folder / "a.pdf");
    EXPECT_THAT(bytes.substr(0, bytes.find("/Subtype /Image")), Not(HasSubstr("/DCTDecode")));
    const size_t image = bytes.find("/BitsPerComponent 1");
    ASSERT_NE(image, std::string::npos);
    EXPECT_THAT(bytes.substr(image, 300), HasSubstr("/Filter " + filter));
    EXPECT_LT(bytes.size(), 40'000u);
    run("pdfimages -png a.pdf stored");  // as it is in the file: what renders it may scale
    EXPECT_TRUE(read_picture(folder / "stored-000.png").rgb == picture.rgb);
  }
}

class PdfWriterPictures : public PdfWriter {
 protected:
  void SetUp() override {
    PdfWriter::SetUp();
    ASSERT_EQ(vips_init("lectern_tests"), 0);
  }

  // A PDF of the file, turned besides; -> the page as it was read.
  Picture write_page_of(const std::string& file, int turn = 0) {
    const auto source = open_source(folder / file, {});
    SourcePage from = source->page(0);
    from.picture = turned(std::move(from.picture), turn);
    Page page = testing::page_of(1, "x", from.picture.width, from.picture.height);
    page.dpi = 72;
    page.turn = (from.turn + turn) % 360;
    page.warnings = from.warnings;
    const auto writer = make_writer(Format::pdf, folder / "a.pdf", testing::info_of(1), {});
    writer->page_of({source->original(), 0}, page, &from.picture);
    writer->finish();
    return std::move(from.picture);
  }

  // Of the page as poppler shows it; the mean difference of samples.
  double difference_to(const Picture& picture) const {
    const std::string ppm = run("pdftoppm -r 72 a.pdf");
    const std::string head = "P6\n" + std::to_string(picture.width) + " " + std::to_string(picture.height) + "\n255\n";
    if (ppm.size() != head.size() + picture.rgb.size() || !ppm.starts_with(head)) return 999;
    double sum = 0;
    for (size_t i = 0; i < picture.rgb.size(); ++i) {
      sum += std::abs(static_cast<uint8_t>(ppm[head.size() + i]) - picture.rgb[i]);
    }
    return sum / static_cast<double>(picture.rgb.size());
  }
};

TEST_F(PdfWriterPictures, AJpegStaysAsItIsHoweverItIsTurned) {
  const Picture upright = testing::picture_of(160, 96);
  const VImage image = VImage::new_from_memory(const_cast<uint8_t*>(upright.rgb.data()), upright.rgb.size(),
                                               upright.width, upright.height, 3, VIPS_FORMAT_UCHAR)
                           .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const int turn : {0, 90, 270}) {
      SCOPED_TRACE(std::to_string(orientation) + " " + std::to_string(turn));
      VImage marked = image.copy();
      marked.set("orientation", orientation);
      marked.write_to_file((folder / "a.jpg").c_str());
      const Picture shown = write_page_of("a.jpg", turn);
      EXPECT_LT(difference_to(shown), 4);
      run("rm -f stored-*; pdfimages -all a.pdf stored");
      EXPECT_TRUE(slurp(folder / "stored-000.jpg") == slurp(folder / "a.jpg"));
    }
  }
}

TEST_F(PdfWriterPictures, APngStaysAsItIs) {
  const auto expect_stored = [&](const Picture& picture) {
    run("rm -f stored-*; pdfimages -png a.pdf stored");
    EXPECT_EQ(read_picture(folder / "stored-000.png").rgb, picture.rgb);
  };
  folder.write("a.png", encode_png(testing::picture_of(160, 96)));
  expect_stored(write_page_of("a.png"));
  EXPECT_THAT(slurp(folder / "a.pdf"), AllOf(HasSubstr("/Predictor 15"), Not(HasSubstr("/DCTDecode"))));
  const VImage grey = VImage::grey(64, 32, VImage::option()->set("uchar", true));
  grey.write_to_file((folder / "b.png").c_str(), VImage::option()->set("palette", true));
  expect_stored(write_page_of("b.png"));
  EXPECT_THAT(slurp(folder / "a.pdf"), HasSubstr("/Indexed"));
}

TEST_F(PdfWriterPictures, AJpegOfInksKeepsItsColours) {
  VImage inks = VImage::black(64, 32, VImage::option()->set("bands", 4)) + std::vector<double>{255, 0, 0, 0};
  inks = inks.cast(VIPS_FORMAT_UCHAR).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_CMYK));
  inks.write_to_file((folder / "a.jpg").c_str());
  write_page_of("a.jpg");
  EXPECT_THAT(slurp(folder / "a.pdf"), HasSubstr("/DeviceCMYK"));
  const std::string ppm = run("pdftoppm -r 72 a.pdf");
  const auto sample = [&](size_t k) { return static_cast<uint8_t>(ppm[ppm.size() / 2 / 3 * 3 + k]); };
  const std::array middle = {sample(0), sample(1), sample(2)};
  EXPECT_LT(*std::ranges::min_element(middle), 80) << "cyan";
  EXPECT_GT(*std::ranges::max_element(middle), 150);
}

// 204 dots across and 98 down: the page has the shape that was faxed, and no more bytes than the fax.
TEST_F(PdfWriterPictures, AFaxStaysBlackAndWhiteAndKeepsItsShape) {
  Picture fax(408, 196);
  for (int y = 0; y < fax.height; ++y) {
    for (int x = 0; x < fax.width; ++x) {
      std::fill_n(fax.row(y) + x * 3, 3, static_cast<uint8_t>(is_in_disc(x, y) ? 0 : 255));
    }
  }
  const VImage image =
      VImage::new_from_memory(fax.rgb.data(), fax.rgb.size(), fax.width, fax.height, 3, VIPS_FORMAT_UCHAR)
          .copy(VImage::option()
                    ->set("interpretation", VIPS_INTERPRETATION_sRGB)
                    ->set("xres", 204 / 25.4)
                    ->set("yres", 98 / 25.4));
  image.extract_band(0)
      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W))
      .write_to_file((folder / "fax.tif").c_str(),
                     VImage::option()->set("compression", VIPS_FOREIGN_TIFF_COMPRESSION_CCITTFAX4)->set("bitdepth", 1));
  const Picture shown = write_page_of("fax.tif");
  EXPECT_EQ(shown.width, 408);
  EXPECT_EQ(shown.height, 408);
  EXPECT_TRUE(is_black_and_white(shown));
  run("rm -f stored-*; pdfimages -png a.pdf stored");
  EXPECT_TRUE(read_picture(folder / "stored-000.png").rgb == shown.rgb);
  EXPECT_THAT(slurp(folder / "a.pdf"), AllOf(HasSubstr("/CCITTFaxDecode"), Not(HasSubstr("/DCTDecode"))));

  image.write_to_file((folder / "fax.jpg").c_str(), VImage::option()->set("Q", 95));
  const Picture photo = write_page_of("fax.jpg");
  EXPECT_EQ(photo.height, 408);
  EXPECT_THAT(run("pdftotext -bbox a.pdf -"), HasSubstr("<page width=\"408.000000\" height=\"408.000000\">"));
  run("rm -f stored-*; pdfimages -all a.pdf stored");
  EXPECT_TRUE(slurp(folder / "stored-000.jpg") == slurp(folder / "fax.jpg"));
}

TEST_F(PdfWriterPictures, ADamagedOneIsEncodedAnew) {
  const std::string jpeg = encode_jpeg(testing::picture_of(160, 96), 90);
  folder.write("a.jpg", jpeg.substr(0, jpeg.size() - 2));  // without its end mark
  EXPECT_LT(difference_to(write_page_of("a.jpg")), 8);
  run("pdfimages -all a.pdf stored");
  EXPECT_TRUE(slurp(folder / "stored-000.jpg").ends_with("\xff\xd9"));
}

TEST_F(PdfWriter, TakesSizesFromTheResolutionAndBoundsThem) {
  Page scan = testing::page_of(1, "Text", 400, 200), huge = testing::page_of(2, "Text", 60'000, 30'000);
  scan.dpi = huge.dpi = 0;
  write({scan, huge, testing::failed_page(3, "it is (very) damaged\\, é")}, nullptr);
  const std::string xml = run("pdftotext -bbox a.pdf -");
  EXPECT_THAT(xml, HasSubstr("<page width=\"144.000000\" height=\"72.000000\">"));
  EXPECT_THAT(xml, HasSubstr("<page width=\"14400.000000\" height=\"7200.000000\">"));
  EXPECT_THAT(run("pdftotext -f 3 a.pdf -"), HasSubstr("Page 3 could not be read: it is (very) damaged\\, ??"));
}

TEST_F(PdfWriter, SaysWhatItIsMadeOf) {
  Page looped = testing::page_of(1, "Text");
  looped.guard.loops = 1;
  const Picture picture = testing::picture_of();
  write({looped}, &picture, testing::info_of(1, "Grüße.pdf"));
  const std::string bytes = slurp(folder / "a.pdf");
  EXPECT_THAT(bytes, HasSubstr("/Producer (Lectern 0.1.0)"));
  EXPECT_THAT(bytes, HasSubstr("/LecternWeights (q8)"));
  EXPECT_THAT(bytes, HasSubstr("/VisionTokens 903"));
  EXPECT_THAT(bytes, HasSubstr("(Page 1 is incomplete: the model repeated itself)"));
  write({looped}, &picture, testing::info_of(1, "Grüße.pdf"));
  EXPECT_EQ(slurp(folder / "a.pdf"), bytes) << "the same document gives the same file";
}

}  // namespace
}  // namespace lectern
