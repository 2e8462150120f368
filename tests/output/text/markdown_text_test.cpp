#include "output/text/markdown_text.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

std::string md(const std::string& label, const std::string& text, const OutputOptions& options = {}) {
  return markdown_block({label, {}, {}, text}, options).text;
}

TEST(MarkdownText, LeavesMarkdownAsItIs) {
  for (const std::string same :
       {"# A **bold** title", "- one\n- two\n  more", "1. one\n2. two", "*x* and **y** and `z`", "One\ntwo\n\nthree",
        "E=mc<sup>2</sup> CO<sub>2</sub>", "a<br>b", "[t](https://a.b) ![](images/0.jpg)", "1 < 2 & 3 > 2, AT&T",
        "snake_case, 5 * 3, 2 * 3, a_b_c", "Name: ________", "[1] C. Huygens. (Paris)", "costs $5 and $6",
        "| a | b |\n| --- | --- |\n| c | d |", "\\$6 \\%", "```c\nint i;\n```",
        "<table><tr><td rowspan=\"2\">Region</td><td>9 &lt; 10</td></tr></table>",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>R &amp; D</td></tr></tbody></table>"}) {
    EXPECT_EQ(md("", same), same);
  }
}

TEST(MarkdownText, EscapesWhatWouldBeTakenForMarks) {
  EXPECT_EQ(md("text", "2**3 is 8 and x**2"), "2\\*\\*3 is 8 and x\\*\\*2");
  EXPECT_EQ(md("text", "Dear <name>, <!-- x -->"), "Dear \\<name>, \\<!-- x -->");
  EXPECT_EQ(md("text", "[x](javascript:alert(1))"), "\\[x](javascript:alert(1))");
  EXPECT_EQ(md("text", "[a]: b"), "\\[a]: b");
  EXPECT_EQ(md("text", "&amp;lt; x"), "\\&lt; x");
  EXPECT_EQ(md("text", "__init__ and _x_"), "\\_\\_init\\_\\_ and \\_x\\_");
  EXPECT_EQ(md("table_footnote", "* Figures are not audited."), "\\* Figures are not audited.");
  EXPECT_EQ(md("text", "> 5\n+ 6\n---\nb\n==="), "\\> 5\n\\+ 6\n\\---\nb\n\\===");
  EXPECT_EQ(md("text", "a\\*b \\("), "a\\\\*b \\\\(");
  EXPECT_EQ(md("text", "~~no~~ line"), "\\~\\~no\\~\\~ line");
}

TEST(MarkdownText, DropsTagsOfTheModelThatMeanNothingHere) {
  EXPECT_EQ(md("image_caption", "<center>Figure 1 </center>"), "Figure 1");
  EXPECT_EQ(md("text", "left over</td></tr></table>"), "left over");
  EXPECT_EQ(md("text", "<b>x</b>"), "**x**");
}

TEST(MarkdownText, FencesCode) {
  EXPECT_EQ(md("code", "#include <stdio.h>"), "```\n#include <stdio.h>\n```");
  EXPECT_EQ(md("code", "a\n```\nb"), "````\na\n```\nb\n````");
}

TEST(MarkdownText, GivesFormulasTheirDollars) {
  EXPECT_EQ(md("text", "a \\( x \\) b \\(y\\)"), "a $x$ b $y$");
  EXPECT_EQ(md("text", "\\[\n a \\\\[2pt] b \\]"), "$$a \\\\[2pt] b$$");
  EXPECT_EQ(md("text", "costs $5 and \\(x\\) and \\$6"), "costs \\$5 and $x$ and \\$6");
  OutputOptions options;
  options.formulas = OutputOptions::Formulas::paren;
  EXPECT_EQ(md("text", "costs $5 and \\( x_1 \\)", options), "costs $5 and \\( x_1 \\)");
}

TEST(MarkdownText, WritesTables) {
  EXPECT_EQ(md("table", "T\n<table><tr><td>x<y &amp; *z*</td><td></td></tr></table>\nS"),
            "T\n<table><tr><td>x&lt;y &amp; <em>z</em></td><td></td></tr></table>\n\nS");
  EXPECT_EQ(md("table", "<table><tr><td>a</td><td>b"), "<table><tr><td>a</td><td>b</td></tr></table>");
  OutputOptions options;
  options.tables = OutputOptions::Tables::pipe;
  EXPECT_EQ(md("table", "<table><tr><td>a|b</td></tr><tr><td>c<br>d</td><td><x></td></tr></table>", options),
            "| a\\|b |  |\n| --- | --- |\n| c<br>d | \\<x> |");
  const MarkdownBlock spans =
      markdown_block({"table", {}, {}, "<table><tr><td colspan=\"2\">a</td></tr></table>"}, options);
  EXPECT_EQ(spans.spanning_tables, 1);
  EXPECT_EQ(spans.text, "<table><tr><td colspan=\"2\">a</td></tr></table>");
  // Rows are not filled up to the widest.
  std::string ragged = "<table><tr>";
  for (int i = 0; i < 20'000; ++i) ragged += "<td>x</td>";
  for (int i = 0; i < 20'000; ++i) ragged += "<tr><td>y</td>";
  EXPECT_LT(md("table", ragged, options).size(), 10'000'000u);
}

TEST(MarkdownText, ShowsNamesAsTheyAre) {
  EXPECT_EQ(markdown_text("--><img src=x>*.png\n"), "--\\>\\<img src=x\\>\\*.png ");
  EXPECT_EQ(markdown_destination("a#b_figures/100%20 (1)?\xFF.png"), "a%23b_figures/100%2520%20%281%29%3F%FF.png");
}

}  // namespace
}  // namespace lectern
