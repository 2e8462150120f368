// Searchable PDFs over the pages of others, made by the real lectern-pdf and looked at with qpdf and poppler.
#include "input/pdf_assembly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "input/page_source.h"
#include "lectern/error.h"
#include "output/writer.h"
#include "support/pages.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::filled;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::pdf_of;
using testing::pdf_of_objects;
using testing::slurp;
using testing::stream_of;
using ::testing::ThrowsMessage;

struct Word {
  std::string text;
  Box box;  // in points, from the upper left corner
};

// A catalogue, two pages with form fields and bookmarks, and what else hangs on a document.
std::string whole_document() {
  const std::string catalogue =
      std::string("<< /Type /Catalog /Pages 2 0 R /Outlines 8 0 R /AcroForm << /Fields [12 0 R 13 0 R] >> ") +
      "/MarkInfo << /Marked true >> /StructTreeRoot 14 0 R /PageLabels << /Nums [0 << /S /r >> 1 << /S /D >>] >> " +
      "/Names << /Dests << /Names [(two) [4 0 R /Fit]] >> >> >>";
  std::string pdf = pdf_of_objects(
      {catalogue, "<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] /MediaBox [0 0 200 100] /Resources 5 0 R >>",
       "<< /Type /Page /Parent 2 0 R /Contents 6 0 R /Annots [12 0 R] >>",
       "<< /Type /Page /Parent 2 0 R /Contents 7 0 R /Annots [13 0 R] >>", "<< /XObject << >> >>",
       stream_of(filled("1 0 0", 0, 0, 50, 50)), stream_of(filled("0 0 1", 7, 0, 50, 50)),
       "<< /Type /Outlines /First 9 0 R /Last 10 0 R /Count 2 >>",
       "<< /Title (First) /Parent 8 0 R /Next 10 0 R /Dest [3 0 R /Fit] /First 11 0 R /Last 11 0 R /Count -1 >>",
       "<< /Title (Second) /Parent 8 0 R /Prev 9 0 R /Dest (two) >>",
       "<< /Title (Below) /Parent 9 0 R /A << /S /GoTo /D [4 0 R /XYZ 0 90 0] >> >>",
       "<< /Type /Annot /Subtype /Widget /FT /Tx /T (one) /V (kept value) /Rect [0 0 9 9] >>",
       "<< /Type /Annot /Subtype /Widget /FT /Tx /T (two) /V (other value) /Rect [0 0 9 9] >>",
       "<< /Type /StructTreeRoot >>", "<< /Title (A title) /Author (Ann) >>"});
  return pdf.replace(pdf.rfind("/Root 1 0 R"), 11, "/Root 1 0 R /Info 15 0 R");
}

class PdfAssembly : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v pdftotext >/dev/null 2>&1 && command -v qpdf >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "pdftotext or qpdf is not installed";
    }
  }

  struct Reading {
    std::string file;
    std::vector<int> pages{};  // from 0; all when empty
    int turn = 0;              // besides, to stand upright
    std::string password{};
  };

  // Writes out.pdf, in which "word1" was read on the first page that was read, "word2" on the next.
  // -> what the writer warned of
  std::vector<std::string> read(const std::vector<Reading>& readings, const OutputOptions& options = {}) {
    const auto writer = make_writer(Format::pdf, folder / "out.pdf", testing::info_of(1), options, assemble_pdf);
    int count = 0;
    for (const Reading& reading : readings) {
      SourceOptions source_options;
      const bool redo = options.existing_text == OutputOptions::ExistingText::redo;
      source_options.find_text = redo ? FindText::all_seen : FindText::any;
      source_options.password = reading.password;
      const auto source = open_source(folder / reading.file, source_options);
      const auto original = source->original();
      check_original(*original, options);
      std::vector<int> pages = reading.pages;
      for (int i = 0; reading.pages.empty() && i < source->pages(); ++i) pages.push_back(i);
      for (const int index : pages) {
        SourcePage from = source->page(index);
        const bool lies = reading.turn == 90 || reading.turn == 270;
        if (lies) from.picture = Picture(from.picture.height, from.picture.width);
        const std::string raw =
            "<|ref|>text<|/ref|><|det|>[[100, 200, 500, 300]]<|/det|>\nword" + std::to_string(++count);
        Page page = testing::page_of(index + 1, raw, from.picture.width, from.picture.height);
        page.dpi = from.dpi;
        page.turn = (from.turn + reading.turn) % 360;
        page.has_text = from.has_text;
        writer->page_of({original, index}, page, needs_picture(Format::pdf, page, options) ? &from.picture : nullptr);
      }
    }
    writer->finish();
    run("qpdf --check out.pdf");
    return writer->warnings();
  }

  std::string run(const std::string& command) const {
    const int status = std::system(("cd '" + folder.path().string() + "' && " + command + " >out 2>err").c_str());
    EXPECT_EQ(status, 0) << command << ": " << slurp(folder / "out") << slurp(folder / "err");
    return slurp(folder / "out");
  }

  std::vector<Word> words(const std::string& options = "") const {
    const std::string xml = run("pdftotext -cropbox -bbox " + options + " out.pdf -");
    static const std::regex pattern(
        "<word xMin=\"([0-9.-]+)\" yMin=\"([0-9.-]+)\" xMax=\"([0-9.-]+)\" yMax=\"([0-9.-]+)\">([^<]*)</word>");
    std::vector<Word> out;
    for (std::sregex_iterator at(xml.begin(), xml.end(), pattern), end; at != end; ++at) {
      const std::smatch& match = *at;
      out.push_back({match[5], {std::stod(match[1]), std::stod(match[2]), std::stod(match[3]), std::stod(match[4])}});
    }
    return out;
  }

  // The word stands in its block of a page that is so large when it is shown.
  void expect_in_place(const Word& word, double width, double height) const {
    EXPECT_NEAR(word.box.left, width * 100 / 999, 1) << word.text;
    EXPECT_LT(word.box.right, width * 500 / 999 + 1) << word.text;
    EXPECT_GT(word.box.top, height * 200 / 999 - 1.5) << word.text;
    EXPECT_LT(word.box.bottom, height * 300 / 999 + 1.5) << word.text;
  }

  void expect_same_looks(const std::string& before, const std::string& after = "out.pdf") const {
    const std::string as_was = run("pdftoppm -r 72 -cropbox " + before);
    EXPECT_FALSE(as_was.empty());
    EXPECT_TRUE(as_was == run("pdftoppm -r 72 -cropbox " + after)) << before;
  }

  nlohmann::json bookmarks() const {
    return nlohmann::json::parse(run("qpdf --json --json-key=outlines out.pdf"))["outlines"];
  }

  testing::TempFolder folder;
};

TEST_F(PdfAssembly, LaysTextOverPagesThatStayAsTheyAre) {
  folder.write("in.pdf", whole_document());
  read({{"in.pdf"}});
  const std::vector<Word> found = words();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "word1");
  EXPECT_EQ(found[1].text, "word2");
  for (const Word& word : found) expect_in_place(word, 200, 100);
  expect_same_looks("in.pdf");
  const std::string bytes = slurp(folder / "out.pdf");
  EXPECT_THAT(bytes, AllOf(HasSubstr("\n1 0 0 rg 0 0 50 50 re f\n"), HasSubstr("/Title (A title)"),
                           HasSubstr("/Author (Ann)"), HasSubstr("/Marked true"), HasSubstr("/V (other value)")));
  EXPECT_THAT(bytes.substr(0, 200), HasSubstr("% written by Lectern\n"));
  EXPECT_LT(bytes.size(), whole_document().size() + 6000);
  EXPECT_EQ(bookmarks().size(), 2u);
  read({{"in.pdf"}});
  EXPECT_EQ(slurp(folder / "out.pdf"), bytes) << "the same document gives the same file";
}

TEST_F(PdfAssembly, WordsStandInTheirPlacesHoweverThePageLies) {
  struct Case {
    testing::PdfPage page;
    double width, height;  // as shown, in units of the page
  };
  const std::string content = filled("1 0 0", 10, 10, 20, 30);  // never where the word is
  const std::vector<Case> cases = {
      {{content, "0 0 200 100", "/Rotate 90"}, 100, 200},
      {{content, "0 0 200 100", "/Rotate 180"}, 200, 100},
      {{content, "0 0 200 100", "/Rotate -90"}, 100, 200},
      {{content, "0 0 200 100", "/CropBox [50 20 150 90]"}, 100, 70},
      {{content, "0 0 200 100", "/CropBox [50 20 150 90] /Rotate 270"}, 70, 100},
      {{content, "-30 40 170 140", ""}, 200, 100},
      {{content, "200 100 0 0", "/CropBox [-5 -5 900 60]"}, 200, 60},
      {{content, "0 0 0 0", ""}, 612, 792},
      {{content, "0 0 200 100", "/UserUnit 2"}, 200, 100},
      {{"q q 3 0 0 3 0 0 cm " + filled("1 0 0", 10, 1, 20, 5), "0 0 200 100", ""}, 200, 100},
      {{"Q Q " + content + " Q 0.1 0 0 0.1 50 50 cm", "0 0 200 100", ""}, 200, 100},
      {{"BT 20 Tz 3 Tr /F 9 Tf " + content, "0 0 200 100", ""}, 200, 100},
  };
  for (const Case& one : cases) {
    const std::string name = one.page.media_box + " " + one.page.keys + " " + one.page.content;
    SCOPED_TRACE(name);
    folder.write("in.pdf", pdf_of({one.page}));
    read({{"in.pdf"}});
    const std::vector<Word> found = words();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].text, "word1");
    expect_in_place(found[0], one.width, one.height);
    expect_same_looks("in.pdf");
  }
}

TEST_F(PdfAssembly, APageThatWasTurnedUprightStaysSo) {
  folder.write("in.pdf", pdf_of({{.content = filled("1 0 0", 10, 10, 60, 30)}}));
  read({{.file = "in.pdf", .turn = 90}});
  EXPECT_THAT(slurp(folder / "out.pdf"), HasSubstr("/Rotate 90"));
  const std::vector<Word> found = words();
  ASSERT_EQ(found.size(), 1u);
  expect_in_place(found[0], 100, 200);
}

TEST_F(PdfAssembly, TextThatIsThereIsNotDoubled) {
  folder.write("in.pdf", pdf_of({{.content = "BT /F 20 Tf 10 40 Td (seen) Tj ET"},
                                 {.content = "BT 3 Tr /F 20 Tf 10 40 Td (hidden) Tj ET"},
                                 {.content = filled("1 0 0", 10, 10, 60, 30)}}));
  read({{"in.pdf"}});
  EXPECT_EQ(run("pdftotext out.pdf -"), "seen\n\n\fhidden\n\n\fword3\n\n\f");
  expect_same_looks("in.pdf");
  OutputOptions force;
  force.existing_text = OutputOptions::ExistingText::force;
  read({{"in.pdf"}}, force);
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\fword2\n\n\fword3\n\n\f");
  EXPECT_THAT(slurp(folder / "out.pdf"), Not(HasSubstr("(hidden)")));
  EXPECT_THAT(run("pdfimages -list out.pdf"), HasSubstr("image"));
}

TEST_F(PdfAssembly, HiddenTextGivesWayWhereThatIsAskedFor) {
  const std::string picture = filled("1 0 0", 10, 10, 60, 30), hidden = "BT 3 Tr /F 20 Tf 10 40 Td (hidden) Tj T* ET ";
  // On its own, beside a picture, in a form, in the other ways of showing it; then where there is text that is seen.
  std::string pdf =
      pdf_of({{.content = hidden},
              {.content = "q " + hidden + "Q " + picture},
              {.content = picture + "BT /F 9 Tf 12 TL 3 Tr 0 0 Td [(hid) 5 (den)] TJ (x) ' 1 2 (y) \" ET"},
              {.content = hidden + "BT 0 Tr 9 9 Td (seen) Tj ET"},
              {.content = "q 3 Tr Q BT /F 9 Tf 9 9 Td (plain) Tj ET"}});
  folder.write("in.pdf", pdf);
  OutputOptions redo;
  redo.existing_text = OutputOptions::ExistingText::redo;
  read({{"in.pdf"}}, redo);
  EXPECT_EQ(run("pdftotext out.pdf - | tr -s '\\n '"), "word1\n\fword2\n\fword3\n\fword4\nseen\n\fplain\n\f");
  expect_same_looks("in.pdf");

  OutputOptions again;  // what was laid over it is hidden too, in a form
  folder.write("in.pdf", pdf_of({{.content = picture}}));
  read({{"in.pdf"}}, again);
  run("mv out.pdf in.pdf");
  read({{"in.pdf"}}, redo);
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\f");
  expect_same_looks("in.pdf");
}

// A scan that was read before, with a stamp or a heading that is text: what was read anew is not said again where
// it can be seen.
TEST_F(PdfAssembly, WhatIsReadAnewIsNotDoubledWhereTextIsSeen) {
  const std::string hidden = "BT 3 Tr /F 20 Tf 10 40 Td (hidden) Tj ET ";
  // The word is read at 20 to 100 across and 20 to 30 down, of 200 x 100 points as shown.
  const std::string over = "BT 0 Tr /F 8 Tf 1 0 0 1 15 72 Tm (a heading in the own text of the page) Tj ET ";
  const std::string beside = "BT 0 Tr /F 8 Tf 1 0 0 1 15 12 Tm (a stamp) Tj ET ";
  const std::string turned_over = "BT 0 Tr /F 8 Tf 0 1 -1 0 28 15 Tm (a heading in text) Tj ET ";
  folder.write("in.pdf", pdf_of({{.content = hidden + over},
                                 {.content = hidden + beside},
                                 {.content = hidden + turned_over, .media_box = "0 0 100 200", .keys = "/Rotate 90"},
                                 {.content = hidden + over, .keys = "/CropBox [0 0 200 99]"}}));
  OutputOptions redo;
  redo.existing_text = OutputOptions::ExistingText::redo;
  read({{"in.pdf"}}, redo);
  const std::string text = run("pdftotext out.pdf - | tr -s '\\n '");
  EXPECT_EQ(text,
            "a heading in the own text of the page\n\fword2\na stamp\n\fa heading in text\n\f"
            "a heading in the own text of the page\n\f");
  expect_same_looks("in.pdf");
}

// A picture of the page shows them, and on top of it they would stand a second time.
TEST_F(PdfAssembly, WhatAPictureShowsIsNotKeptOnTopOfIt) {
  const std::string stamp = stream_of("1 0 0 rg 0 0 20 20 re f", " /Type /XObject /Subtype /Form /BBox [0 0 20 20]");
  folder.write(
      "a.pdf",
      pdf_of_objects(
          {"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R 6 0 R 13 0 R] >> >>",
           "<< /Type /Pages /Count 1 /Kids [3 0 R] /MediaBox [0 0 200 100] >>",
           "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [5 0 R 6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 14 0 R] "
           ">>",
           stream_of(filled("0 0 1", 7, 0, 50, 50)),
           "<< /Type /Annot /Subtype /Widget /FT /Tx /T (one) /V (typed value) /Rect [0 0 9 9] >>",
           "<< /Type /Annot /Subtype /Widget /FT /Tx /T (unseen) /V (hidden value) /F 2 /Rect [0 0 9 9] >>",
           "<< /Type /Annot /Subtype /FreeText /Contents (free words) /DA (/Helv 9 Tf) /Rect [9 9 90 20] >>",
           "<< /Type /Annot /Subtype /Link /Rect [50 50 90 90] /A << /S /URI /URI (https://example.org/) >> >>",
           "<< /Type /Annot /Subtype /Text /Contents (a comment) /Rect [20 20 40 40] >>",
           "<< /Type /Annot /Subtype /Stamp /Rect [60 60 80 80] /AP << /N 12 0 R >> /Popup 11 0 R >>",
           "<< /Type /Annot /Subtype /Popup /Parent 10 0 R /Contents (of the stamp) /Rect [0 0 9 9] >>", stamp,
           "<< /FT /Btn /T (group) /Kids [14 0 R] >>",
           "<< /Type /Annot /Subtype /Widget /Parent 13 0 R /Rect [30 0 39 9] >>"}));
  OutputOptions options;
  options.existing_text = OutputOptions::ExistingText::force;
  EXPECT_THAT(
      read({{"a.pdf"}}, options),
      ElementsAre(HasSubstr("a.pdf: 2 annotations and 2 form fields became part of the pictures of the pages")));
  const std::string all = run("qpdf --qdf --object-streams=disable out.pdf -");
  EXPECT_THAT(all, AllOf(HasSubstr("https://example.org/"), HasSubstr("(a comment)"), HasSubstr("(hidden value)")));
  EXPECT_THAT(all, AllOf(Not(HasSubstr("typed value")), Not(HasSubstr("free words")), Not(HasSubstr("/Stamp")),
                         Not(HasSubstr("of the stamp")), Not(HasSubstr("(group)"))));
  options.existing_text = OutputOptions::ExistingText::skip;
  EXPECT_THAT(read({{"a.pdf"}}, options), ::testing::IsEmpty());
  EXPECT_THAT(run("qpdf --qdf out.pdf -"), AllOf(HasSubstr("(typed value)"), HasSubstr("/Stamp")));
}

TEST_F(PdfAssembly, FormsAndAttachmentsOfAllInputsAreKept) {
  folder.write("a.pdf", whole_document());
  folder.write("b.png", encode_png(testing::picture_of(200, 100)));
  folder.write("note.txt", "first");
  run("qpdf a.pdf --add-attachment note.txt -- c.pdf && printf second >note.txt && "
      "qpdf a.pdf --add-attachment note.txt -- d.pdf");
  for (const bool picture_first : {false, true}) {
    SCOPED_TRACE(picture_first);
    read({{picture_first ? "b.png" : "a.pdf"}, {"c.pdf"}, {.file = "d.pdf", .pages = {1}}});
    EXPECT_EQ(run("qpdf --show-attachment=note.txt out.pdf"), "first");
    EXPECT_EQ(run("qpdf '--show-attachment=note.txt (2)' out.pdf"), "second");
    const nlohmann::json form = nlohmann::json::parse(run("qpdf --json --json-key=acroform out.pdf"))["acroform"];
    std::vector<std::string> values;
    for (const nlohmann::json& field : form["fields"]) {
      EXPECT_GE(field["pageposfrom1"], 1);
      const std::string value = field["value"];
      values.push_back(value.substr(value.starts_with("u:") ? 2 : 0));
    }
    std::ranges::sort(values);
    const std::vector<std::string> all =
        picture_first
            ? std::vector<std::string>{"kept value", "other value", "other value"}
            : std::vector<std::string>{"kept value", "kept value", "other value", "other value", "other value"};
    EXPECT_EQ(values, all);
  }
}

TEST_F(PdfAssembly, KeepsThePagesAskedForAndNothingOfOthers) {
  folder.write("in.pdf", whole_document());
  read({{.file = "in.pdf", .pages = {0}}});
  EXPECT_EQ(run("qpdf --show-npages out.pdf"), "1\n");
  const std::string bytes = run("qpdf --qdf --object-streams=disable out.pdf -");
  EXPECT_THAT(bytes, AllOf(HasSubstr("kept value"), HasSubstr("/Title (A title)"), Not(HasSubstr("other value")),
                           Not(HasSubstr("7 0 50 50 re"))));
  const nlohmann::json left = bookmarks();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0]["title"], "First");
  EXPECT_TRUE(left[0]["kids"].empty());

  read({{.file = "in.pdf", .pages = {1}}});
  const nlohmann::json others = bookmarks();
  ASSERT_EQ(others.size(), 2u);
  EXPECT_EQ(others[0]["title"], "First") << "with what is below it, it stays";
  EXPECT_TRUE(others[0]["destpageposfrom1"].is_null());
  EXPECT_EQ(others[0]["kids"][0]["title"], "Below");
  EXPECT_EQ(others[0]["kids"][0]["destpageposfrom1"], 1);
  EXPECT_EQ(others[1]["title"], "Second");
  EXPECT_EQ(others[1]["destpageposfrom1"], 1);
  const nlohmann::json labels = nlohmann::json::parse(run("qpdf --json --json-key=pagelabels out.pdf"))["pagelabels"];
  ASSERT_EQ(labels.size(), 1u);
  EXPECT_EQ(labels[0]["label"]["/S"], "/D");
}

TEST_F(PdfAssembly, SeveralInputsBecomeOne) {
  folder.write("a.pdf", whole_document());
  folder.write("b.png", encode_png(testing::picture_of(200, 100)));
  folder.write("c.pdf", whole_document());
  read({{"a.pdf"}, {"b.png"}, {.file = "c.pdf", .pages = {1}}});
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\fword2\n\n\fword3\n\n\fword4\n\n\f");
  EXPECT_THAT(slurp(folder / "out.pdf"), HasSubstr("/Title (A title)"));
  const nlohmann::json all = bookmarks();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["title"], "a.pdf");
  EXPECT_EQ(all[0]["destpageposfrom1"], 1);
  ASSERT_EQ(all[0]["kids"].size(), 2u);
  EXPECT_EQ(all[0]["kids"][1]["title"], "Second");
  EXPECT_EQ(all[0]["kids"][1]["destpageposfrom1"], 2);
  EXPECT_EQ(all[1]["title"], "b.png");
  EXPECT_EQ(all[1]["destpageposfrom1"], 3);
  EXPECT_EQ(all[2]["kids"].back()["title"], "Second");
  EXPECT_EQ(all[2]["kids"].back()["destpageposfrom1"], 4);

  read({{"b.png"}, {"a.pdf"}});
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\fword2\n\n\fword3\n\n\f");
  EXPECT_EQ(bookmarks()[1]["kids"][1]["destpageposfrom1"], 3);
}

TEST_F(PdfAssembly, AnEncryptedOneBecomesAnOpenOneOnlyWhereThatIsAllowed) {
  const std::string open = pdf_of({{.content = filled("1 0 0", 10, 10, 60, 30)}});
  folder.write("open.pdf", open);
  for (const std::string passwords : {"user owner", "'' owner"}) {
    run("qpdf --encrypt " + passwords + " 256 -- open.pdf in.pdf");
    const std::string password = passwords.starts_with("user") ? "user" : "";
    EXPECT_THAT([&] { read({{.file = "in.pdf", .password = password}}); },
                ThrowsMessage<Error>(HasSubstr("in.pdf: is encrypted, and a searchable PDF made of it would not be")));
    OutputOptions options;
    options.decrypt = true;
    read({{.file = "in.pdf", .password = password}}, options);
    EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\f");
    expect_same_looks("open.pdf");
  }
}

TEST_F(PdfAssembly, SignaturesAreBrokenOnlyWhereThatIsAllowed) {
  const std::string signature =
      std::string("<< /Type /Annot /Subtype /Widget /FT /Sig /T (s) /Rect [0 0 0 0] /V << /Type /Sig ") +
      "/Filter /Adobe.PPKLite /Contents <00> /ByteRange [0 1 2 3] >> >>";
  const std::string page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Annots [5 0 R] >>";
  folder.write("in.pdf",
               pdf_of_objects({"<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [5 0 R] >> >>",
                               "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page,
                               stream_of(filled("1 0 0", 0, 0, 50, 50)), signature}));
  EXPECT_THAT([&] { read({{"in.pdf"}}); }, ThrowsMessage<Error>(HasSubstr("in.pdf: is digitally signed")));
  OutputOptions options;
  options.invalidate_signatures = true;
  read({{"in.pdf"}}, options);
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\f");
}

TEST_F(PdfAssembly, ALinearizedOneStaysSo) {
  folder.write("whole.pdf", whole_document());
  run("qpdf --linearize --object-streams=generate whole.pdf in.pdf");
  read({{"in.pdf"}});
  EXPECT_THAT(run("qpdf --check out.pdf"), HasSubstr("File is linearized"));
  EXPECT_EQ(run("pdftotext out.pdf -"), "word1\n\n\fword2\n\n\f");
}

TEST_F(PdfAssembly, WhatCouldNotBeReadIsMarkedOnThePage) {
  folder.write("in.pdf", pdf_of({{.content = filled("1 0 0", 10, 10, 60, 30), .keys = "/Rotate 90"}}));
  const auto source = open_source(folder / "in.pdf", {});
  const auto writer = make_writer(Format::pdf, folder / "out.pdf", testing::info_of(1), {}, assemble_pdf);
  writer->page_of({source->original(), 0}, testing::failed_page(1, "it is damaged"), nullptr);
  writer->finish();
  run("qpdf --check out.pdf");
  EXPECT_THAT(run("qpdf --qdf out.pdf -"), HasSubstr("Page 1 could not be read: it is damaged"));
  EXPECT_EQ(run("pdftotext out.pdf -"), "\f") << "the page is as it was";
}

TEST_F(PdfAssembly, AFileThatIsNoPdfIsAnError) {
  folder.write("in.pdf", "no PDF");
  const InputFile file(folder / "in.pdf");
  pdf::AssemblyPlan plan;
  plan.inputs.push_back({{0, 6}, ""});
  plan.pages.push_back({});
  EXPECT_THAT([&] { assemble_pdf(file.descriptor(), plan, [](std::string_view) {}); },
              ThrowsMessage<Error>(HasSubstr("its pages cannot be taken over: ")));
  plan.inputs[0].place.bytes = 1'000'000;
  EXPECT_THROW(assemble_pdf(file.descriptor(), plan, [](std::string_view) {}), Error);
}

}  // namespace
}  // namespace lectern
