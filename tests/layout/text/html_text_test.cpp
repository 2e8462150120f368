#include "layout/text/html_text.h"

#include <gtest/gtest.h>

#include <string>

#include "support/sanitized.h"

namespace lectern {
namespace {

// Parts joined by |, tables in brackets: rows parted by /, cells by commas.
std::string shown(const std::string& text) {
  std::string out;
  for (const HtmlPart& part : parse_html(text)) {
    if (!out.empty()) out += '|';
    if (!part.table) out += part.text.text;
    if (!part.table) continue;
    out += '[';
    for (size_t r = 0; r < part.rows.size(); ++r) {
      if (r > 0) out += '/';
      for (size_t c = 0; c < part.rows[r].cells.size(); ++c) {
        out += (c > 0 ? "," : "") + part.rows[r].cells[c].text.text;
      }
    }
    out += ']';
  }
  return out;
}

TEST(HtmlText, FindsTablesInTheirText) {
  EXPECT_EQ(shown("Before <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table> after"),
            "Before |[a,b/c]| after");
  EXPECT_EQ(shown("a <table><tr><td>open"), "a |[open]");
  EXPECT_EQ(shown("a < b, a </table> of <tables>"), "a < b, a  of <tables>");
  EXPECT_EQ(shown("<TABLE>\n<TR>\n<TD align=left>a \n b</TD>\n</TR>\n</TABLE>"), "[a b]");
  EXPECT_EQ(shown("<table><caption>C</caption><tr><td>a</td></tr></table>"), "C\n|[a]");
}

TEST(HtmlText, ReadsSpansAndHeadings) {
  const auto rows = parse_html(
                        "<table><thead><tr><th rowspan=\"2\" ColSpan='3'>a</th><td rowspan=x>b</td></tr></thead>"
                        "<tr><td colspan=99999999999 rowspan=-4>c</td></tr></table>")[0]
                        .rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].section, TableSection::head);
  EXPECT_EQ(rows[1].section, TableSection::none);
  EXPECT_TRUE(rows[0].cells[0].heading);
  EXPECT_EQ(rows[0].cells[0].row_span, 2);
  EXPECT_EQ(rows[0].cells[0].column_span, 3);
  EXPECT_EQ(rows[0].cells[1].row_span, 1);
  EXPECT_EQ(rows[1].cells[0].column_span, 1000);
  EXPECT_EQ(rows[1].cells[0].row_span, 1);
}

TEST(HtmlText, LosesNoTextOfBrokenTables) {
  EXPECT_EQ(shown("<table>x<tr>y<td>a<td>b<tr><td>c</table>z"), "xy|[a,b/c]|z");
  EXPECT_EQ(shown("<table><tr><td>a <table><tr><td>inner</td><td>2</td></tr></table> b</td></tr></table>"),
            "[a inner 2 b]");
  EXPECT_EQ(shown("<td>12</td><td>34</td>"), "[12,34]") << "cells without their table";
  EXPECT_EQ(shown("12</td><td>34</td></tr></table>"), "12\n|[34]");
  EXPECT_EQ(shown("<table><tr><td title=\"a>b\">c</td><td rowspan=\"2>d</td><td a='>e</td></tr></table>"), "[c,d,e]");
  for (const std::string cut : {"<td", "<td row", "</t", "</", "<", "</table"}) {
    EXPECT_EQ(shown("<table><tr><td>a</td>" + cut), "[a]") << cut;
  }
  EXPECT_EQ(shown("<table><tr><td>a</td></tr></table> 1 <"), "[a]| 1 <");
}

TEST(HtmlText, LeavesWhatIsNoTagOfTheModels) {
  for (const std::string same : {"x<y & z>w", "<name>", "</name>", "<script>a</script>", "<!-- c -->",
                                 "<!DOCTYPE html>", "<?x?>", "<body>", "<plaintext>", "<textarea>", "<svg><p",
                                 "a&b &amp &copy=1 &#0; &#x; &;", "<b class=x>", "<![CDATA[x]]>", "<t", "<ta ble>"}) {
    EXPECT_EQ(shown(same), same);
  }
  EXPECT_EQ(shown("a\r\nb\rc" + std::string(1, '\0')), "a\nb\nc\uFFFD");
  EXPECT_EQ(shown("&amp;lt; &euro;&NotEqualTilde;"), "&lt; \u20AC\u2242\u0338");
}

TEST(HtmlText, KnowsTheStyleOfEveryByte) {
  const auto parts = parse_html("a<sup>2</sup><b>é<sub>x</sub></b></i><br/>");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].text.text, "a2éx\n");
  const std::vector<uint8_t> styles = {
      0, style_superscript, style_strong, style_strong, style_strong | style_subscript, style_break};
  EXPECT_EQ(parts[0].text.styles, styles);
  EXPECT_EQ(shown("<center>Figure 1</center><u>x</u>"), "Figure 1x");
}

TEST(HtmlText, TakesTimeInProportionToTheText) {
  const size_t size = testing::sanitized ? 200'000 : 1'000'000;
  for (const std::string piece : {"<table>", "<td>", "</td>", "<", "<td", "</table>", "<tr><td>x", "<table></td>",
                                  "<sup>", "<b>", "<b><i></b>", "<table><td>", "</sup>", "<td title=\"</sup>\"><sup>",
                                  "&", "&amp;", "<td \"", "<table><sup><tr title=</sup>>"}) {
    std::string text = "<table>";
    while (text.size() < size) text += piece;
    parse_html(text);
    parse_html(text.substr(7));
  }
  std::string attributes = "<table><tr><td";
  while (attributes.size() < size) attributes += " a" + std::to_string(attributes.size());
  EXPECT_FALSE(parse_html(attributes + ">x").empty());
}

}  // namespace
}  // namespace lectern
