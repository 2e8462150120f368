// PDFs that are broken, or made to break those who open them. Each must give pages or a clear error, page by page, in
// the time it is allowed, and leave the way free for the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "input/page_source.h"
#include "lectern/error.h"
#include "support/pdf_builder.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::filled;
using ::testing::HasSubstr;
using testing::pdf_of;
using testing::pdf_of_objects;
using testing::PdfPage;
using testing::stream_of;

// A deflate stream, as FlateDecode takes it: one fixed Huffman block with these literals, and then copies of 258 bytes
// each from `distance` (1, or 13 to 16) bytes before.
std::string deflated(const std::string& literals, unsigned distance, uint64_t copies) {
  std::string out = "\x78\x9c";
  unsigned bits = 0;
  int filled_bits = 0;
  const auto put = [&](unsigned value, int count) {  // least significant bit first
    for (int i = 0; i < count; ++i) {
      bits |= ((value >> i) & 1u) << filled_bits;
      if (++filled_bits == 8) {
        out += static_cast<char>(bits);
        bits = 0;
        filled_bits = 0;
      }
    }
  };
  const auto put_code = [&](unsigned code, int count) {  // Huffman codes go most significant bit first
    for (int i = count - 1; i >= 0; --i) put((code >> i) & 1u, 1);
  };
  put(1, 1);
  put(1, 2);
  for (const char c : literals) {
    const auto literal = static_cast<unsigned char>(c);
    literal < 144 ? put_code(0x30u + literal, 8) : put_code(0x190u + literal - 144u, 9);
  }
  for (uint64_t i = 0; i < copies; ++i) {
    put_code(0xc0 + 5, 8);  // length 258
    if (distance == 1) {    // code 0; 13 to 16: code 7 and two bits more
      put_code(0, 5);
    } else {
      put_code(7, 5);
      put(distance - 13, 2);
    }
  }
  put_code(0, 7);
  put(0, 7);
  return out;
}

// Spaces without end, deflated twice: 3 GB for every 150 KB.
std::string bomb() {
  // Copies of one byte take 13 bits each, so that such a stream repeats itself every 13 bytes; its end is left out.
  const std::string once = deflated(" ", 1, 200);
  return deflated(once.substr(0, 104), 13, 80'000);
}

std::string page_of(const std::string& content_object, const std::string& resources = "") {
  return "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents " + content_object + " /Resources << " +
         resources + " >> >>";
}

// A document of the page and these objects from 4 on.
std::string one_page(const std::string& page, std::vector<std::string> objects) {
  objects.insert(objects.begin(),
                 {"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page});
  return pdf_of_objects(objects);
}

class BrokenPdf : public ::testing::Test {
 protected:
  BrokenPdf() {
    options.page_seconds = 20;
    options.limits.max_pixels = 250'000;
  }

  struct Outcome {
    int pages = 0, rendered = 0, failed = 0;
    std::string error;  // the last
  };

  Outcome read(const std::string& pdf, int max_pages = 4) const {
    Outcome outcome;
    const auto file = folder.write("broken.pdf", pdf);
    const auto note = [&](const Error& error) {
      ++outcome.failed;
      outcome.error = error.what();
      EXPECT_THAT(outcome.error, HasSubstr("broken.pdf: "));
      EXPECT_EQ(outcome.error.find('\n'), std::string::npos);
    };
    try {
      const auto source = open_source(file, options);
      outcome.pages = source->pages();
      for (int i = 0; i < std::min(max_pages, outcome.pages); ++i) {
        try {
          outcome.rendered += source->page(i).picture.width > 0;
        } catch (const Error& error) {
          note(error);
        }
      }
    } catch (const Error& error) {
      note(error);
    }
    EXPECT_GT(outcome.rendered + outcome.failed, 0);
    return outcome;
  }

  testing::TempFolder folder;
  SourceOptions options;
};

TEST_F(BrokenPdf, CutShort) {
  const std::string whole = pdf_of(std::vector<PdfPage>(3, {.content = filled("1 0 0", 0, 0, 50, 50)}));
  int opened = 0;
  for (size_t length = 1; length < whole.size(); length += 61) opened += read(whole.substr(0, length)).pages > 0;
  EXPECT_EQ(opened, 0) << "without a trailer nothing is found";
  EXPECT_EQ(read(whole.substr(0, whole.rfind("startxref"))).rendered, 3) << "the table is made anew";
}

TEST_F(BrokenPdf, Rubbish) {
  testing::Random random(5);
  for (const size_t length : {10u, 1000u, 100'000u}) {
    std::string rubbish = "%PDF-1.7\n";
    for (size_t i = 0; i < length; ++i) rubbish += static_cast<char>(random.bits());
    EXPECT_THAT(read(rubbish).error, HasSubstr("broken.pdf: is not a PDF, or is damaged beyond repair"));
  }
  EXPECT_THAT(read("No PDF at all, but its name says so.").error, HasSubstr("is not a PDF"));
}

TEST_F(BrokenPdf, NoPages) {
  EXPECT_GT(read(pdf_of_objects({"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"})).failed,
            0);
  EXPECT_GT(read(pdf_of_objects({"<< /Type /Catalog >>"})).failed, 0);
  EXPECT_GT(read(pdf_of_objects({"[1 0 R]"})).failed, 0);
}

TEST_F(BrokenPdf, PageTreesInCircles) {
  const std::string catalog = "<< /Type /Catalog /Pages 2 0 R >>";
  read(pdf_of_objects({catalog, "<< /Type /Pages /Count 5 /Kids [2 0 R 2 0 R] >>"}));
  read(pdf_of_objects({catalog, "<< /Type /Pages /Count 9 /Kids [3 0 R] /Parent 3 0 R >>",
                       "<< /Type /Pages /Count 9 /Kids [2 0 R 3 0 R] /Parent 2 0 R >>"}));
  read(pdf_of_objects({"<< /Type /Catalog /Pages 1 0 R >>"}));
  // Inherited keys are looked for along /Parent.
  read(pdf_of_objects(
      {catalog, "<< /Type /Pages /Count 1 /Kids [3 0 R] /Parent 3 0 R >>", "<< /Type /Page /Parent 2 0 R >>"}));
}

TEST_F(BrokenPdf, CountsThatLie) {
  for (const std::string count : {"1000000000", "-7", "3", "99999999999999999999", "(three)", "2 0 R"}) {
    SCOPED_TRACE(count);
    const Outcome outcome = read(
        pdf_of_objects({"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count " + count + " /Kids [3 0 R] >>",
                        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>"}));
    EXPECT_LE(outcome.rendered, 1);
  }
}

TEST_F(BrokenPdf, AHundredThousandPages) {
  // 250 folders of 400 pages each, all with the same content.
  constexpr int folders = 250, each = 400;
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      stream_of(filled("0 0 1", 0, 0, 50, 50))};
  std::string roots;
  for (int f = 0; f < folders; ++f) {
    const size_t self = objects.size() + 1;
    roots += std::to_string(self) + " 0 R ";
    objects.emplace_back();
    std::string kids;
    for (int i = 0; i < each; ++i) {
      objects.push_back("<</Type/Page/Parent " + std::to_string(self) + " 0 R/Contents 3 0 R/MediaBox[0 0 50 50]>>");
      kids += std::to_string(objects.size()) + " 0 R ";
    }
    objects[self - 1] = "<< /Type /Pages /Parent 2 0 R /Count " + std::to_string(each) + " /Kids [" + kids + "] >>";
  }
  objects[1] = "<< /Type /Pages /Count " + std::to_string(folders * each) + " /Kids [" + roots + "] >>";
  options.page_seconds = 60;
  const auto source = open_source(folder.write("long.pdf", pdf_of_objects(objects)), options);
  ASSERT_EQ(source->pages(), 100'000);
  for (const int index : {0, 99'999, 50'000}) {
    const SourcePage page = source->page(index);
    EXPECT_EQ(page.picture.rgb[0], 0) << index;
    EXPECT_EQ(page.picture.rgb[2], 255) << index;
  }
}

TEST_F(BrokenPdf, APageTreeOfGreatDepth) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>"};
  for (int i = 2; i < 50'000; ++i) {
    objects.push_back("<< /Type /Pages /Count 1 /Kids [" + std::to_string(i + 1) + " 0 R] >>");
  }
  objects.emplace_back("<< /Type /Page /MediaBox [0 0 100 100] >>");
  read(pdf_of_objects(objects));
  read(one_page(page_of("4 0 R"), {stream_of(std::string(200'000, '[') + std::string(200'000, ']') + " TJ")}));
  read(one_page(page_of("4 0 R") + std::string(100'000, '['), {}));
  read(one_page("<< /Type /Page /MediaBox " + std::string(100'000, '['), {}));
}

TEST_F(BrokenPdf, BombsAreNotWaitedFor) {
  const std::string packed = bomb();
  EXPECT_LT(packed.size(), 200'000u);
  options.page_seconds = 1;
  const std::string filters = " /Filter [/FlateDecode /FlateDecode]";
  const Outcome content = read(one_page(page_of("4 0 R"), {stream_of(packed, filters)}));
  EXPECT_EQ(content.failed, 1);
  EXPECT_THAT(content.error, HasSubstr("broken.pdf: page 1: the PDF helper "));
  read(one_page(page_of("4 0 R", "/XObject << /I 5 0 R >>"),
                {stream_of("100 0 0 100 0 0 cm /I Do"),
                 stream_of(packed,
                           " /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray "
                           "/BitsPerComponent 8" +
                               filters)}));
}

TEST_F(BrokenPdf, FormsInCircles) {
  const std::string form = " /Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << /XObject << /X ";
  read(one_page(page_of("4 0 R", "/XObject << /X 5 0 R >>"),
                {stream_of("/X Do"), stream_of("/X Do", form + "5 0 R >> >>")}));
  read(one_page(page_of("4 0 R", "/XObject << /X 5 0 R >>"),
                {stream_of("/X Do"), stream_of("/X Do /X Do", form + "6 0 R >> >>"),
                 stream_of("/X Do /X Do", form + "5 0 R >> >>")}));
  read(one_page(page_of("4 0 R", "/Pattern << /P 5 0 R >>"),
                {stream_of("/Pattern cs /P scn 0 0 100 100 re f"),
                 stream_of("/Pattern cs /P scn 0 0 10 10 re f",
                           " /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 "
                           "/Resources << /Pattern << /P 5 0 R >> >>")}));
  read(one_page(
      page_of("4 0 R", "/Font << /F 5 0 R >>"),
      {stream_of("BT /F 10 Tf (aaa) Tj ET"),
       "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 "
       "/Widths [9] /Encoding << /Differences [97 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /F 5 "
       "0 R >> >> >>",
       stream_of("9 0 d0 BT /F 1 Tf (a) Tj ET")}));
}

// Every form draws the next one ten times: 10^9 squares for the page.
std::vector<std::string> forms_that_multiply(size_t first) {
  std::vector<std::string> forms;
  for (size_t i = 0; i < 9; ++i) {
    std::string content;
    for (int k = 0; k < 10; ++k) content += "/X Do ";
    forms.push_back(
        stream_of(content, " /Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << /XObject << /X " +
                               std::to_string(first + i + 1) + " 0 R >> >>"));
  }
  forms.push_back(stream_of("0 0 1 1 re f", " /Type /XObject /Subtype /Form /BBox [0 0 100 100]"));
  return forms;
}

TEST_F(BrokenPdf, APageWithoutEndCostsThatPageAlone) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>",
                                      "<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 3 0 R] >>",
                                      page_of("5 0 R"),
                                      page_of("6 0 R", "/XObject << /X 7 0 R >>"),
                                      stream_of(filled("1 0 0", 0, 0, 100, 100)),
                                      stream_of("/X Do")};
  for (const std::string& form : forms_that_multiply(7)) objects.push_back(form);
  options.page_seconds = 2;
  const auto source = open_source(folder.write("a.pdf", pdf_of_objects(objects)), options);
  ASSERT_EQ(source->pages(), 3);
  EXPECT_EQ(source->page(0).picture.rgb[0], 255);
  try {
    source->page(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a.pdf: page 2: the PDF helper took too long"));
  }
  EXPECT_EQ(source->page(2).picture.rgb[1], 0);
  EXPECT_EQ(source->page(0).picture.rgb[0], 255);
}

TEST_F(BrokenPdf, ObjectsThatReferToThemselves) {
  read(one_page(page_of("4 0 R"), {"<< /Length 4 0 R >>\nstream\nx\nendstream"}));
  read(one_page(page_of("4 0 R"), {"4 0 R"}));
  read(one_page(page_of("[4 0 R 4 0 R]"), {"[4 0 R 4 0 R]"}));
  std::string looping = pdf_of({{.content = ""}});
  const std::string at = std::to_string(looping.rfind("xref\n0"));
  looping.insert(looping.rfind("/Root"), "/Prev " + at + " ");
  read(looping);
  read(
      "%PDF-1.7\n1 0 obj\n<< /Type /XRef /Size 2 /W [1 2 1] /Root 1 0 R /Prev 9 /Length 8 "
      ">>\nstream\n\0\0\0\0\1\0\x09\0"
      "\nendstream\nendobj\nstartxref\n9\n%%EOF\n");
}

TEST_F(BrokenPdf, EncryptionThatIsNone) {
  std::string pdf = pdf_of({{.content = ""}});
  const size_t root = pdf.rfind("/Root");
  for (const std::string entry :
       {"/Encrypt 99 0 R ", "/Encrypt << >> ", "/Encrypt << /Filter /Standard /V 5 /R 6 /O () /U () /P -1 >> ",
        "/Encrypt << /Filter /Standard /V 1 /R 2 /Length 100000000 /O (x) /U (x) /P 0 >> ",
        "/Encrypt << /Filter /Unknown /V 4 >> "}) {
    std::string changed = pdf;
    read(changed.insert(root, entry));
  }
}

TEST_F(BrokenPdf, HundredsOfSmallDamages) {
  const std::string image = stream_of(std::string(300, '\x5a'),
                                      " /Type /XObject /Subtype /Image /Width 10 /Height 10 /ColorSpace /DeviceRGB "
                                      "/BitsPerComponent 8");
  const std::string valid = one_page(
      page_of("4 0 R", "/XObject << /I 5 0 R /X 6 0 R >> /Font << /F 7 0 R >> /ExtGState << /G << /ca 0.5 >> >>"),
      {stream_of("q 50 0 0 50 0 0 cm /I Do Q /G gs 1 0 0 rg 10 10 50 50 re f /X Do BT /F 12 Tf 5 70 Td (Text) Tj ET"),
       image,
       stream_of("2 w 0 0 m 90 90 l 10 50 30 20 80 90 c S",
                 " /Type /XObject /Subtype /Form /BBox [0 0 100 100] /Group << /S /Transparency >>"),
       "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>"});
  EXPECT_EQ(read(valid).rendered, 1);
  testing::Random random(2026);
  const std::string characters = "0123456789 /<>[]()\n\xff";
  int rendered = 0, failed = 0;
  for (int i = 0; i < 250; ++i) {
    std::string pdf = valid;
    for (int64_t damages = random.between(1, 6); damages > 0; --damages) {
      const auto at = static_cast<size_t>(random.between(9, static_cast<int64_t>(pdf.size()) - 1));
      const auto length = static_cast<size_t>(random.between(1, 20));
      switch (random.between(0, 4)) {
        case 0: pdf[at] = static_cast<char>(random.bits()); break;
        case 1: pdf[at] = characters[random.bits() % characters.size()]; break;
        case 2: pdf.erase(at, length); break;
        case 3: pdf.insert(at, pdf.substr(random.bits() % pdf.size(), length)); break;
        default: pdf.insert(at, std::string(length, characters[random.bits() % characters.size()])); break;
      }
    }
    SCOPED_TRACE(i);
    const Outcome outcome = read(pdf);
    rendered += outcome.rendered;
    failed += outcome.failed;
  }
  EXPECT_GT(rendered, 100);
  EXPECT_GT(failed, 5);
}

}  // namespace
}  // namespace lectern
