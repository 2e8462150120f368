#include "layout/html_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string plain = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>";
const std::string spans = "<table><tr><td rowspan=\"2\">a</td><TD ColSpan='3'>b</TD></tr><tr><td>c</td></tr></table>";

TEST(HtmlTable, IsFoundInItsText) {
  const std::string text = "Before " + plain + " between <table><tr><td>open";
  const auto segments = split_at_tables(text);
  ASSERT_EQ(segments.size(), 4u);
  EXPECT_EQ(segments[0].text, "Before ");
  EXPECT_EQ(segments[1].text, plain);
  EXPECT_TRUE(segments[1].table);
  EXPECT_EQ(segments[2].text, " between ");
  EXPECT_EQ(segments[3].text, "<table><tr><td>open");
  EXPECT_TRUE(segments[3].table);
  EXPECT_EQ(split_at_tables("a < b, a </table> of <tables>").size(), 1u);
}

TEST(HtmlTable, GivesRowsAndSpans) {
  const auto rows = table_rows(spans);
  ASSERT_EQ(rows.size(), 2u);
  ASSERT_EQ(rows[0].size(), 2u);
  EXPECT_EQ(rows[0][0].row_span, 2);
  EXPECT_EQ(rows[0][1].column_span, 3);
  EXPECT_TRUE(has_spans(rows));
  EXPECT_FALSE(has_spans(table_rows(plain)));
  EXPECT_EQ(table_text(table_rows(plain), "\t"), "a\tb\nc\td");
  EXPECT_EQ(table_text(rows, "|"), "a|b\n|c");
  EXPECT_EQ(
      table_text(table_rows("<table><tr><td colspan=2 rowspan=2>a<td>b<tr><td>c<tr><td>d<td>e<td>f</table>"), "|"),
      "a||b\n||c\nd|e|f");
  EXPECT_EQ(table_text(table_rows("<table><tr><td colspan=900 rowspan=900>a<td>b<tr><td>c</table>"), "|"), "a|b\nc");
  const auto wide = table_rows("<table><tr><td rowspan=\"99999999999\" colspan=\"-4\">a</td></tr></table>");
  EXPECT_LE(wide[0][0].row_span, 1000);
  EXPECT_EQ(wide[0][0].column_span, 1);
}

TEST(HtmlTable, LosesNoTextOfBrokenTables) {
  EXPECT_EQ(table_text(table_rows("<table>x<tr>y<td>a<td>b<tr><td>c</table>z"), "|"), "x\ny|a|b\nc\nz");
  EXPECT_EQ(table_text(table_rows("<table><tr><td>a <table><tr><td>inner</td></tr></table> b</td></tr></table>"), "|"),
            "a inner b");
  EXPECT_EQ(table_text(table_rows("<table><tr><td>1 < 2 & x</td><td>a<br/>b &lt;&#x41;</td></tr></table>"), "|"),
            "1 < 2 & x|a b <A");
}

TEST(HtmlTable, IsMendedOnlyWhereItIsBroken) {
  EXPECT_EQ(mended_table(plain), plain);
  EXPECT_EQ(mended_table(spans), spans);
  EXPECT_EQ(mended_table("<table><tr><td>a</td><td>b"), "<table><tr><td>a</td><td>b</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr><td>a</td><td"), "<table><tr><td>a</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr><td>a</td></t"), "<table><tr><td>a</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr><td>a</td></"), "<table><tr><td>a</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr><td>a<td>b<tr><td>c</table>"),
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr></th><td>a</tr></table>"), "<table><tr><td>a</td></tr></table>");
  EXPECT_EQ(mended_table("<table><tr><td>a<table><tr><td>b</table></table>"),
            "<table><tr><td>a<table><tr><td>b</td></tr></table></td></tr></table>");
}

TEST(HtmlTable, BecomesAPipeTable) {
  EXPECT_EQ(pipe_table(table_rows(plain)), "| a | b |\n| --- | --- |\n| c | d |");
  EXPECT_EQ(pipe_table(table_rows("<table><tr><td>a|b</td></tr><tr><td>c<br>d</td><td>e</td></tr></table>")),
            "| a\\|b |  |\n| --- | --- |\n| c<br>d | e |");
}

TEST(HtmlTable, LetsNothingButTablesThrough) {
  const std::string safe =
      safe_table(table_rows("<table onclick=x><tr><td onmouseover=\"x()\" rowspan=\"2\"><script>alert(1)</script><img "
                            "src=x onerror=y>&lt;b&gt;"
                            "<a href='javascript:x'>link</a></td><th>h<br>i</th></tr></table><script>"));
  EXPECT_EQ(safe, "<table><tr><td rowspan=\"2\">alert(1)&lt;b&gt;link</td><th>h<br>i</th></tr>\n</table>");
  EXPECT_THAT(safe_table(table_rows("<table><tr><td><<script>script>x<scr<script>ipt</td></tr></table>")),
              Not(HasSubstr("<script")));
}

TEST(HtmlTable, TakesTimeInProportionToTheText) {
  const size_t size = 4'000'000;
  for (const std::string piece : {"<table>", "<td>", "</td>", "<", "<td", "</table>", "<tr><td>x", "<table></td>"}) {
    std::string text = "<table>";
    while (text.size() < size) text += piece;
    split_at_tables(text);
    mended_table(text);
    safe_table(table_rows(text));
    pipe_table(table_rows(text));
  }
  // Rows are not filled up to the widest.
  std::string ragged = "<table><tr>";
  for (int i = 0; i < 50'000; ++i) ragged += "<td>x</td>";
  for (int i = 0; i < 50'000; ++i) ragged += "<tr><td>y</td>";
  EXPECT_LT(pipe_table(table_rows(ragged)).size(), 10'000'000u);
}

}  // namespace
}  // namespace lectern
