#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "core/files/own_output.h"
#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "image/picture_file.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

class MarkdownWriter : public ::testing::Test {
 protected:
  std::string write(const std::vector<Page>& pages, const OutputOptions& options = {}, const Picture* picture = nullptr,
                    const std::string& name = "a.md") {
    fs::remove(folder / name);
    const auto writer = make_writer(Format::markdown, folder / name, testing::info_of(3), options);
    for (const Page& page : pages) writer->page(page, picture);
    EXPECT_FALSE(fs::exists(folder / name));
    writer->finish();
    warnings = writer->warnings();
    return slurp(folder / name);
  }

  TempFolder folder;
  std::vector<std::string> warnings;
};

TEST_F(MarkdownWriter, PartsBlocksByEmptyLinesAndMarksFormulasWithDollars) {
  const std::string text = write({testing::page_of(1, testing::paper_page)});
  EXPECT_TRUE(text.starts_with("Journal of Applied Clockwork, vol. 7\n\n# On the Regularity of Escapements\n\nWe"));
  EXPECT_THAT(
      text,
      HasSubstr("The costs were \\$5 and \\$6 a clock. The rate $r$ of a clock depends on the temperature $T$ of"));
  EXPECT_THAT(text, HasSubstr("\n\n$$r = r_0 + \\alpha (T - T_0) \\\\[2pt] + \\epsilon \\quad (3)$$\n\n"));
  EXPECT_THAT(text, HasSubstr("\n\n<!-- lectern 0.1.0; source scan.pdf; pages 1; prompt markdown; mode gundam; model "
                              "ocr; weights q8; device cpu; vision tokens 903; text tokens 412 -->\n"));
  OutputOptions options;
  options.formulas = OutputOptions::Formulas::paren;
  EXPECT_THAT(write({testing::page_of(1, testing::paper_page)}, options),
              HasSubstr("were $5 and $6 a clock. The rate \\( r \\) of"));
}

TEST_F(MarkdownWriter, KeepsTablesAndLeavesCodeAlone) {
  const std::string text = write({testing::page_of(1, testing::report_page)});
  EXPECT_THAT(text, HasSubstr("<td rowspan=\"2\">Region</td><td colspan=\"2\">First half</td></tr>"));
  EXPECT_THAT(text, HasSubstr("print(\"\\(not a formula\\)\");"));
  EXPECT_THAT(text, HasSubstr("<td>$12 \\%$</td>"));
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_THAT(write({testing::page_of(1, "<table><tr><td>cut sh")}), HasSubstr("<td>cut sh</td></tr></table>\n"));
}

TEST_F(MarkdownWriter, WritesPipeTablesWhereNothingIsMerged) {
  OutputOptions options;
  options.tables = OutputOptions::Tables::pipe;
  const std::string text = write({testing::page_of(4, testing::report_page)}, options);
  EXPECT_THAT(text, HasSubstr("\n\n| Name | Share |\n| --- | --- |\n| A \\| B | $12 \\%$ |\n| C | 88 % |\n\n"));
  EXPECT_THAT(text, HasSubstr("<td rowspan=\"2\">Region</td>"));
  EXPECT_THAT(warnings,
              ElementsAre("1 table was kept as HTML, since Markdown has no merged cells (the first is on page 4)"));
}

TEST_F(MarkdownWriter, CutsFiguresOut) {
  const Picture picture = testing::picture_of();
  const std::string text = write({testing::page_of(2, testing::report_page)}, {}, &picture, "my scan (1).md");
  EXPECT_THAT(text, HasSubstr("\n\n![Figure 1 on page 2](my%20scan%20%281%29_figures/page-2-figure-1.png)\n\n"
                              "![Figure 2 on page 2](my%20scan%20%281%29_figures/page-2-figure-2.png)\n\n"));
  const Picture figure = read_picture(folder / "my scan (1)_figures/page-2-figure-2.png");
  const Box box = testing::page_of(2, testing::report_page).blocks[7].boxes[1];
  const int left = static_cast<int>(std::floor(box.left)), top = static_cast<int>(std::floor(box.top));
  EXPECT_EQ(figure.width, static_cast<int>(std::ceil(box.right)) - left);
  EXPECT_EQ(figure.height, static_cast<int>(std::ceil(box.bottom)) - top);
  EXPECT_TRUE(std::equal(figure.row(3), figure.row(3) + 30, picture.row(top + 3) + static_cast<size_t>(left) * 3));

  EXPECT_THAT(write({testing::page_of(2, testing::report_page)}),
              HasSubstr("\n<!-- figure on page 2 at 62, 492, 298, 667 -->\n"));
  EXPECT_FALSE(fs::exists(folder / "a_figures"));
  EXPECT_TRUE(needs_picture(Format::markdown, testing::page_of(2, testing::report_page)));
  EXPECT_FALSE(needs_picture(Format::markdown, testing::page_of(2, "text")));
}

TEST_F(MarkdownWriter, FiguresAppearWithTheFinishedDocument) {
  const Picture picture = testing::picture_of();
  fs::create_directory(folder / "a_figures");
  folder.write("a_figures/page-9-figure-1.png", with_png_mark(encode_png(testing::picture_of())));
  folder.write("a_figures/note.png", "mine");
  {
    const auto writer = make_writer(Format::markdown, folder / "a.md", testing::info_of(1), {});
    writer->page(testing::page_of(2, testing::report_page), &picture);
  }
  EXPECT_FALSE(fs::exists(folder / "a_figures/page-2-figure-1.png")) << "the run was interrupted";
  write({testing::page_of(2, testing::report_page)}, {}, &picture);
  EXPECT_TRUE(fs::exists(folder / "a_figures/page-2-figure-1.png"));
  EXPECT_THAT(warnings, ElementsAre(::testing::HasSubstr("a_figures: 1 picture of an earlier run lies beside those")));
}

TEST_F(MarkdownWriter, CutsTablesOutOfWhichNothingWasRead) {
  const Page page = testing::page_of(1, "<|ref|>table<|/ref|><|det|>[[100, 100, 500, 400]]<|/det|>\n");
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, WarningCode::empty_table);
  EXPECT_TRUE(needs_picture(Format::markdown, page));
  const Picture picture = testing::picture_of();
  EXPECT_THAT(write({page}, {}, &picture), HasSubstr("![Figure 1 on page 1](a_figures/page-1-figure-1.png)"));
}

TEST_F(MarkdownWriter, LetsNoNameEndItsComment) {
  const auto writer = make_writer(Format::markdown, folder / "a.md",
                                  testing::info_of(1, "/home/ann/x--!><img src=x onerror=alert(1)>.mmd"), {});
  writer->page(testing::failed_page(1, "--><img src=x onerror=alert(1)>.png: damaged"), nullptr);
  writer->finish();
  EXPECT_THAT(slurp(folder / "a.md"), ::testing::AllOf(HasSubstr("source /home/ann/x- -!><img"),
                                                       HasSubstr("read: --\\>\\<img src=x onerror=alert(1)\\>.png")));
}

TEST_F(MarkdownWriter, PartsAndMarksPages) {
  Page looped = testing::page_of(3, "The end");
  looped.guard = {1, false, Retry::continued};
  looped.turn = 90;
  OutputOptions options;
  options.page_breaks = true;
  EXPECT_THAT(write({testing::page_of(1, "One"), testing::failed_page(2, "it --> is damaged"), looped}, options),
              ::testing::StartsWith(
                  "One\n\n---\n\n<!-- page 2 -->\n\n> **Page 2 could not be read: it --\\> is damaged**\n\n"
                  "---\n\n<!-- page 3 -->\n\nThe end\n\n> **Page 3 is incomplete: the model repeated itself**\n"));
  EXPECT_THAT(slurp(folder / "a.md"), HasSubstr("; page 3 turned by 90 -->\n"));
  options = {};
  options.headers = options.footers = options.page_numbers = false;
  const std::string less = write({testing::page_of(1, testing::paper_page)}, options);
  EXPECT_THAT(less, Not(HasSubstr("Preprint")));
  EXPECT_THAT(less, Not(HasSubstr("\n12\n")));
}

TEST_F(MarkdownWriter, LeavesNothingBehindWhenItIsGivenUp) {
  {
    const auto writer = make_writer(Format::markdown, folder / "a.md", testing::info_of(3), {});
    writer->page(testing::page_of(1, "One"), nullptr);
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace lectern
