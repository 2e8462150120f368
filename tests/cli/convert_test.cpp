// lectern convert, as a user calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/lectern_process.h"
#include "image/picture_encoder.h"
#include "support/pages.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using testing::expect_refusal;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::slurp;
using ::testing::StartsWith;
using testing::TempFolder;
namespace fs = std::filesystem;
using nlohmann::json;

class ConvertCommand : public ::testing::Test {
 protected:
  Outcome convert(const std::string& arguments) const { return testing::lectern(folder, "convert " + arguments); }

  TempFolder folder;
};

TEST_F(ConvertCommand, WritesMarkdownToStandardOutput) {
  folder.write("page.mmd", testing::paper_page);
  const Outcome outcome = convert("page.mmd");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("\n# On the Regularity of Escapements\n"), HasSubstr("rate $r$ of"),
                    HasSubstr("\n<!-- figure on page 1 at 520, 280, 918, 560 -->\n"), Not(HasSubstr("<|"))));
  EXPECT_EQ(convert("- < page.mmd").out, outcome.out);
  EXPECT_THAT(convert("page.mmd --format txt --headers drop").out, StartsWith("On the Regularity of Escapements\n\n"));
  EXPECT_EQ(convert("page.mmd --raw").out, testing::paper_page);
}

TEST_F(ConvertCommand, NamesInBracketsAreNames) {
  folder.write("[a,b]", "Only text");
  folder.write("[page]", encode_png(testing::picture_of(40, 50)));
  const Outcome outcome = convert("'[a,b]' --image '[page]' --format txt -o '[out]'");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(slurp(folder / "[out]"), "Only text\n");
}

TEST_F(ConvertCommand, WritesSeveralFormatsIntoAFolder) {
  folder.write("a.mmd", testing::paper_page + "\n\n<--- Page Split --->\n" + testing::report_page);
  folder.write("b.mmd", "Only text");
  const Outcome outcome = convert("a.mmd b.mmd --format md,json --format txt -o out/ --tables pipe");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("1 table was kept as HTML"));
  EXPECT_THAT(slurp(folder / "out/a.md"), HasSubstr("| Name | Share |"));
  EXPECT_EQ(slurp(folder / "out/b.txt"), "Only text\n");
  const json document = json::parse(slurp(folder / "out/a.json"));
  ASSERT_EQ(document["pages"].size(), 2u);
  EXPECT_EQ(document["source"], "a.mmd");
  EXPECT_EQ(document["pages"][0]["width"], 999);
  EXPECT_EQ(document["pages"][0]["blocks"][1]["boxes"][0], json::array({120, 80, 880, 130}));
  EXPECT_EQ(document["pages"][1]["number"], 2);
}

TEST_F(ConvertCommand, TakesThePicturesOfThePages) {
  folder.write("a.mmd", testing::report_page);
  folder.write("page.png", encode_png(testing::picture_of(400, 500)));
  const Outcome outcome = convert("a.mmd --image page.png -o a.md");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(slurp(folder / "a.md"), HasSubstr("![Figure 2 on page 1](a_figures/page-1-figure-2.png)"));
  EXPECT_TRUE(fs::exists(folder / "a_figures/page-1-figure-2.png"));
  EXPECT_EQ(convert("a.mmd --image page.png -o a.json").code, 0);
  EXPECT_EQ(json::parse(slurp(folder / "a.json"))["pages"][0]["height"], 500);
  EXPECT_EQ(json::parse(slurp(folder / "a.json"))["source"], "page.png");
  EXPECT_EQ(convert("a.mmd --image page.png -o b.md --figures drop").code, 0);
  EXPECT_FALSE(fs::exists(folder / "b_figures"));
}

TEST_F(ConvertCommand, WritesEveryFormat) {
  folder.write("a.mmd", testing::paper_page);
  folder.write("page.png", encode_png(testing::picture_of(400, 500)));
  const Outcome outcome = convert("a.mmd --image page.png --format md,txt,json,html,hocr,pdf --boxes --raw -o out/");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const std::string file : {"a.md", "a.txt", "a.json", "a.html", "a.hocr", "a.pdf", "a.boxes.png", "a.mmd"}) {
    EXPECT_TRUE(fs::exists(folder / ("out/" + file))) << file;
  }
  EXPECT_EQ(slurp(folder / "out/a.mmd"), testing::paper_page);
  // --boxes and --raw come beside what the name of the file asks for.
  EXPECT_EQ(convert("a.mmd --image page.png --boxes --raw -o c.md").code, 0);
  EXPECT_THAT(slurp(folder / "c.md"), HasSubstr("# On the Regularity"));
  EXPECT_EQ(slurp(folder / "c.mmd"), testing::paper_page);
  EXPECT_THAT(slurp(folder / "c.boxes.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(convert("a.mmd --image page.png --boxes").out, StartsWith("\x89PNG"));
  EXPECT_EQ(convert("a.mmd --image page.png --boxes -o d.png").code, 0);
  EXPECT_THAT(slurp(folder / "d.png"), StartsWith("\x89PNG"));
  EXPECT_EQ(convert("a.mmd --image page.png --format md,json -o e").code, 0);
  EXPECT_TRUE(fs::exists(folder / "e/a.json"));
  EXPECT_EQ(convert("a.mmd --image page.png -o b.pdf").code, 0);
  EXPECT_THAT(slurp(folder / "b.pdf"), StartsWith("%PDF-1."));
  expect_refusal(convert("a.mmd -o c.pdf"), 2, "--format pdf needs the pictures of the pages; name them with --image");
}

TEST_F(ConvertCommand, ReadsWhatOtherEnginesGive) {
  folder.write(
      "a.mmd",
      "\xEF\xBB\xBFtitle[[330, 198, 558, 230]]\n# Annual report\n\ntext[[100, 90, 900, 140]]\nTotal due 42.\n");
  EXPECT_EQ(convert("a.mmd -o a.txt").err, "");
  EXPECT_EQ(slurp(folder / "a.txt"), "Annual report\n\nTotal due 42.\n");
  const std::string wide = "# A\n";
  std::string bytes = "\xFF\xFE";
  for (const char c : wide) bytes += {c, '\0'};
  folder.write("b.mmd", bytes);
  EXPECT_EQ(convert("b.mmd --format txt").out, "A\n");
}

TEST_F(ConvertCommand, RefusesWhatIsNoRawText) {
  folder.write("page.png", encode_png(testing::picture_of(40, 50)));
  const Outcome picture = convert("page.png");
  EXPECT_EQ(picture.code, 2);
  EXPECT_EQ(picture.out, "");
  EXPECT_THAT(picture.err, HasSubstr("page.png: is a picture; expected the text that a model wrote"));
  folder.write("a.mmd", "Text");
  EXPECT_EQ(convert("a.mmd -o a.json").code, 0);
  EXPECT_THAT(convert("a.json").err, HasSubstr("a.json: is JSON that Lectern wrote"));
  EXPECT_THAT(convert("- </dev/null").err, HasSubstr("standard input: is empty"));
}

// A file of the user's is never destroyed: see ReplacesNoFileOfTheUsers of the read command.
TEST_F(ConvertCommand, ReplacesNoFileOfTheUsers) {
  const std::string png = encode_png(testing::picture_of(400, 500));
  folder.write("scan.mmd", testing::report_page);
  folder.write("page.png", png);
  folder.write("scan.png", png);
  folder.write("scan.pdf", "%PDF-1.4 precious");
  fs::create_directory(folder / "x_figures");
  folder.write("x_figures/page-1-figure-1.png", png);
  folder.write("x.mmd", "<|ref|>image<|/ref|><|det|>[[0,0,500,500]]<|/det|>");
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {"scan.mmd --image page.png -o page.png", "page.png: is an input, and boxes would replace it"},
      {"scan.mmd --image scan.pdf -o scan.pdf", "scan.pdf: is an input"},
      {"scan.mmd --image scan.pdf --format pdf -o .", "scan.pdf: is an input"},
      {"x.mmd --image x_figures/page-1-figure-1.png -o x.md", "x_figures/page-1-figure-1.png: is an input"},
      {"x.mmd -o x.mmd", "x.mmd: is an input"},
      {"- -o x.mmd < x.mmd", "x.mmd: is an input"},
      {"scan.mmd -o page.xml", "there is no format of the name '.xml'"},
      {"scan.mmd -o page.png", "page.png: holds a picture that lectern did not write, and boxes would replace it"},
      {"scan.mmd --image page.png -o scan.pdf", "scan.pdf: holds a PDF that lectern did not write"},
      {"scan.mmd -o new.png", "--format boxes needs the pictures of the pages"},
      {"scan.mmd --format txt -o scan.png", "scan.png: holds a picture, and txt would replace it"},
  };
  for (const auto& [arguments, reason] : refusals) expect_refusal(convert(arguments), 2, reason);
  EXPECT_EQ(slurp(folder / "page.png"), png);
  EXPECT_EQ(slurp(folder / "x_figures/page-1-figure-1.png"), png);
  EXPECT_EQ(slurp(folder / "scan.pdf"), "%PDF-1.4 precious");
}

TEST_F(ConvertCommand, WritesToNoStandardOutputThatIsAnInput) {
  folder.write("page.mmd", "text");
  expect_refusal(convert("page.mmd >>page.mmd"), 2, "standard output: goes into a file that is an input");
  EXPECT_EQ(slurp(folder / "page.mmd"), "text");
}

TEST_F(ConvertCommand, PassesOnWhatWasSaidOfThePictures) {
  folder.write("a.mmd", "One\n<--- Page Split --->\nTwo");
  const std::string jpeg = encode_jpeg(testing::picture_of(40, 50), 90);
  folder.write("cut.jpg", jpeg.substr(0, jpeg.size() - 2));
  folder.write("lost.pdf", testing::pdf_of_objects(
                               {"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 9 0 R "
                                ">>"}));
  const Outcome outcome = convert("a.mmd --image cut.jpg --image lost.pdf -o a.json");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("a.mmd: page 1: the picture lacks its end mark"),
                                 HasSubstr("a.mmd: page 2: poppler reports: what the page shows is not in the file")));
  const json pages = json::parse(slurp(folder / "a.json"))["pages"];
  EXPECT_EQ(pages[0]["warnings"][0]["code"], "damaged_input");
  EXPECT_EQ(pages[1]["warnings"][0]["code"], "damaged_input");
}

TEST_F(ConvertCommand, LaysItsTextOverThePagesOfAPdf) {
  const std::string content = testing::filled("1 0 0", 0, 0, 50, 50);
  folder.write("a.mmd", "<|ref|>text<|/ref|><|det|>[[100, 100, 500, 300]]<|/det|>\nword\n<--- Page Split --->\nmore");
  folder.write("scan.pdf", testing::pdf_of({{.content = content}, {.content = "BT /F 9 Tf 9 9 Td (mine) Tj ET"}}));
  const Outcome outcome = convert("a.mmd --image scan.pdf -o out.pdf");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(slurp(folder / "out.pdf"), AllOf(HasSubstr(content), HasSubstr("(mine)"), HasSubstr("/Lectern1 Do")));
  EXPECT_EQ(convert("a.mmd --image scan.pdf -o out.pdf --existing-text force").code, 0);
  EXPECT_THAT(slurp(folder / "out.pdf"), AllOf(Not(HasSubstr("(mine)")), HasSubstr("/DCTDecode")));

  folder.write("secret.mmd", "word");
  const std::string secret = " secret.mmd --image '" TEST_DATA "/pdf/owner-only.pdf' -o out.pdf";
  expect_refusal(convert(secret), 2, "owner-only.pdf: is encrypted, and a searchable PDF made of it would not be");
  EXPECT_EQ(convert(secret + " --decrypt").code, 0);
}

TEST_F(ConvertCommand, OpensEncryptedPdfsAsReadDoes) {
  folder.write("a.mmd", "word");
  folder.write("word.txt", "open\n");
  const std::string command = "a.mmd --image '" TEST_DATA "/pdf/user-and-owner-aes256.pdf' --format json ";
  expect_refusal(convert(command), 2, "is encrypted; give its password with --password");
  expect_refusal(convert(command + "--password wrong"), 2, "the password does not open it");
  expect_refusal(convert(command + "--password-file none.txt"), 2, "none.txt: cannot be opened");
  EXPECT_EQ(convert(command + "--password open").code, 0);
  EXPECT_EQ(convert(command + "--password-file word.txt").code, 0);
  expect_refusal(convert("a.mmd --password-file word.txt -o word.txt"), 2, "word.txt: is an input");
  expect_refusal(convert(command + "--password open -o out.pdf --format pdf"), 2, "allow that with --decrypt");
}

TEST_F(ConvertCommand, SaysWhatIsNotUtf8) {
  folder.write("latin.mmd",
               "# A\n\nGr\xFC\xDF"
               "e\nBer\xFChrt");
  const Outcome outcome = convert("latin.mmd --format json");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("latin.mmd: line 3 is not UTF-8, one of 2 such; U+FFFD stands for what it has"),
                    HasSubstr("iconv -f LATIN1 -t UTF-8")));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  const json page = json::parse(outcome.out)["pages"][0];
  EXPECT_EQ(page["warnings"][0]["code"], "damaged_input");
  EXPECT_EQ(convert("latin.mmd --raw").out, slurp(folder / "latin.mmd")) << "byte for byte";
}

TEST_F(ConvertCommand, NumbersThePagesOfSeveralInputsThrough) {
  const std::string figure = "<|ref|>image<|/ref|><|det|>[[0,0,500,500]]<|/det|>";
  folder.write("a.mmd", figure);
  folder.write("b.mmd", figure);
  folder.write("a.png", encode_png(testing::picture_of(40, 50)));
  folder.write("b.png", encode_png(testing::picture_of(60, 50)));
  const Outcome outcome = convert("a.mmd b.mmd --image a.png --image b.png -o book.md");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(slurp(folder / "book.md"),
              AllOf(HasSubstr("(book_figures/page-1-figure-1.png)"), HasSubstr("(book_figures/page-2-figure-1.png)")));
  EXPECT_NE(slurp(folder / "book_figures/page-1-figure-1.png"), slurp(folder / "book_figures/page-2-figure-1.png"));
  EXPECT_EQ(convert("a.mmd b.mmd --image a.png b.png -o book.html").code, 0);
  EXPECT_THAT(slurp(folder / "book.html"), AllOf(HasSubstr("id=\"page-1\""), HasSubstr("id=\"page-2\"")));
  EXPECT_EQ(convert("a.mmd b.mmd -o book.json").code, 0);
  const json document = json::parse(slurp(folder / "book.json"));
  EXPECT_EQ(document["source_pages"], 2);
  EXPECT_EQ(document["pages"][1]["number"], 2);
  EXPECT_EQ(convert("a.mmd b.mmd -o folder").code, 0) << "a name without extension";
  EXPECT_TRUE(fs::exists(folder / "folder/b.md"));
}

TEST_F(ConvertCommand, TakesAFileThatIsNamedTwiceOnce) {
  folder.write("a.mmd", "text");
  const Outcome outcome = convert("a.mmd ./a.mmd -o out/");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("./a.mmd: was named more than once, and is converted once"));
  EXPECT_TRUE(fs::exists(folder / "out/a.md"));
  EXPECT_FALSE(fs::exists(folder / "out/a-2.md"));
}

TEST_F(ConvertCommand, SaysWhatIsWrong) {
  folder.write("a.mmd", testing::report_page);
  folder.write("page.png", encode_png(testing::picture_of(40, 50)));
  expect_refusal(convert("none.mmd"), 2, "none.mmd: cannot be opened");
  expect_refusal(convert("a.mmd --format docx"), 2,
                 "there is no format 'docx'; expected one of md, txt, json, html, hocr, pdf, boxes, raw");
  expect_refusal(convert("a.mmd --format md,json"), 2, "name a file or a folder with -o");
  expect_refusal(convert("a.mmd --tables round"), 2, "--tables: 'round' is not one of html|pipe");
  expect_refusal(convert("a.mmd --raw -o a.mmd"), 2, "a.mmd: is an input");
  expect_refusal(convert("a.mmd --image page.png page.png"), 2, "there is 1 page of text, but 2 pages with --image");
  expect_refusal(convert("a.mmd --image a.mmd"), 2, "a.mmd: ");
  expect_refusal(convert(""), 2, "RAW is required");
  folder.write("empty.mmd", "");
  expect_refusal(convert("empty.mmd"), 2, "empty.mmd: is empty; expected the text that a model wrote");
  expect_refusal(convert("- < empty.mmd"), 2, "standard input: is empty");
  const Outcome some = convert("a.mmd none.mmd -o out/");
  EXPECT_EQ(some.code, 1);
  EXPECT_TRUE(fs::exists(folder / "out/a.md"));
  folder.write("bad.mmd", "Text <|ref|>text<|/ref|>");
  EXPECT_THAT(convert("bad.mmd").err, HasSubstr("bad.mmd: page 1: one layout tag is malformed; its text is kept"));
}

}  // namespace
}  // namespace lectern
