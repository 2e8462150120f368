#include "layout/text/block_text.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

Block block(const std::string& label, const std::string& text) { return {label, {}, {}, text}; }

TEST(BlockText, IsPlain) {
  EXPECT_EQ(plain_text(block("title", "# A **bold** title")), "A bold title");
  EXPECT_EQ(plain_text(block("image_caption", "<center>Figure 1: x &amp; y </center>")), "Figure 1: x & y");
  EXPECT_EQ(plain_text(block("text", "#5 is no heading\na # b\n####### nor this")),
            "#5 is no heading\na # b\n####### nor this");
  EXPECT_EQ(plain_text(block("table", "T\n<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>")),
            "T\na\tb\nc");
  EXPECT_EQ(plain_text(block("code", "# a comment\n**p = 1;")), "# a comment\n**p = 1;");
  EXPECT_EQ(plain_text(block("image", "")), "");
}

TEST(BlockText, KeepsWhatIsNoMark) {
  for (const std::string same :
       {"2**3 is 8 and x**2", "(**)", "***", "a * b * c", "*p < 0.05, **p < 0.01", "f(*args, **kwargs)", "x<y & z>w",
        "Dear <name>, your </order>", "<script>alert(1)</script>", "a && b &copy &x; &", "snake_case __init__",
        "C:\\$x \\* \\(", "<!-- a -->", "<b class=x>", "1 < 2 > 0", "<td", "</", "<"}) {
    EXPECT_EQ(plain_text(block("text", same)), same);
  }
}

TEST(BlockText, TellsRaisedAndLoweredTextApart) {
  EXPECT_EQ(plain_text(block("text", "E=mc<sup>2</sup>, CO<sub>2</sub>")), "E=mc^2, CO_2");
  EXPECT_EQ(plain_text(block("text", "x<SUP>a b</SUP> y<sub> i</sub>z <sup></sup>")), "x^(a b) y _iz");
}

TEST(BlockText, DecodesEntities) {
  EXPECT_EQ(plain_text(block("text", "&euro; &ndash; &eacute; &lt;b&gt; &#65;&#x42; &#x1F600;")),
            "\u20AC \u2013 \u00E9 <b> AB \U0001F600");
}

TEST(BlockText, KeepsEmptyCells) {
  const auto table = [](const std::string& rows) { return plain_text(block("table", "<table>" + rows + "</table>")); };
  EXPECT_EQ(table("<tr><td></td><td></td><td>wahr</td><td>falsch</td></tr>"), "\t\twahr\tfalsch");
  EXPECT_EQ(table("<tr><td>a</td><td></td><td></td></tr>"), "a\t\t");
  EXPECT_EQ(table("<tr><td rowspan=\"2\">a</td><td colspan='3'>b</td></tr><tr><td>c</td></tr>"), "a\tb\n\tc");
  EXPECT_EQ(table("<tr><td>x<y & z>w &euro;</td><td title=\"a>b\">c<br>d</td></tr>"), "x<y & z>w \u20AC\tc d");
  EXPECT_EQ(table("<tr><td colspan=2 rowspan=2>a<td>b<tr><td>c<tr><td>d<td>e<td>f"), "a\t\tb\n\t\tc\nd\te\tf");
  EXPECT_EQ(table("<tr><td colspan=900 rowspan=900>a<td>b<tr><td>c"), "a\tb\nc");
}

TEST(BlockText, KeepsLinesAndMarksOfLists) {
  const std::string list = "- one\n-   two\n  more\n\n\n1. three\n* four\n* five";
  EXPECT_EQ(plain_text(block("list", list)), list);
  EXPECT_EQ(plain_text(block("text", "A \\( x \\) and $y$ and $5 and ![](a.jpg)")),
            "A \\( x \\) and $y$ and $5 and ![](a.jpg)");
  EXPECT_EQ(plain_text(block("text", "Before\n```\n# <b>\n```\nAfter")), "Before\n# <b>\nAfter");
}

}  // namespace
}  // namespace lectern
