#include "output/html/block_html.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

std::string html(const std::string& label, const std::string& text) { return block_html({label, {}, {}, text}); }

TEST(BlockHtml, ShowsWhatMarkdownMeans) {
  EXPECT_EQ(html("title", "# A **bold** title"), "<h3>A <strong>bold</strong> title</h3>");
  EXPECT_EQ(html("text", "One\ntwo\n\nthree **x"), "<p>One<br>two</p><p>three **x</p>");
  EXPECT_EQ(html("image_caption", "<center>A &amp; &lt;b&gt; </center>"), "<p>A &amp; &lt;b&gt;</p>");
  EXPECT_EQ(html("equation", "\\[ a < b \\]"),
            "<p class=\"formula\"><span class=\"formula\">\\[ a &lt; b \\]</span></p>");
  EXPECT_EQ(html("code", "# no heading\n  <b>"), "<pre># no heading\n  &lt;b&gt;</pre>");
  EXPECT_EQ(html("table", "T\n<table><tr><td colspan=\"2\">a</td></tr></table>"),
            "<p>T</p><div class=\"scroll\"><table><tr><td colspan=\"2\">a</td></tr></table></div>");
  EXPECT_EQ(html("image", ""), "");
  EXPECT_EQ(html("text", "E=mc<sup>2</sup>, CO<sub>2</sub> <i>x</i> *y* `z`"),
            "<p>E=mc<sup>2</sup>, CO<sub>2</sub> <em>x</em> <em>y</em> <code>z</code></p>");
  EXPECT_EQ(html("list", "- one\n- two\n  - three"),
            "<ul><li>one</li><li>two</li><li class=\"level-1\">three</li></ul>");
  EXPECT_EQ(html("list", "1. one\n2. two"), "<ul class=\"numbers\"><li>1. one</li><li>2. two</li></ul>");
  EXPECT_EQ(html("text", "```c\nint i;\n```"), "<pre>int i;</pre>");
  EXPECT_EQ(html("text", "| a | b |\n|---|---|\n| 1 | 2 |"),
            "<div class=\"scroll\"><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></div>");
  EXPECT_EQ(
      html("text", "![](images/0.jpg) [x](https://a.b/c)"),
      "<p><span class=\"figure\">images/0.jpg</span> <a href=\"https://a.b/c\" rel=\"noopener noreferrer\">x</a></p>");
}

TEST(BlockHtml, LetsNoMarkupThrough) {
  EXPECT_EQ(html("text", "<script>alert('x')</script> <img onerror=x> **<b>**"),
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &lt;img onerror=x&gt; **<strong>**</strong></p>");
  EXPECT_EQ(html("text", "# <iframe src=\"javascript:x\">"), "<h3>&lt;iframe src=&quot;javascript:x&quot;&gt;</h3>");
  EXPECT_EQ(html("text", "<center><<center>script></center>"), "<p>&lt;script&gt;</p>");
  EXPECT_EQ(html("text", "[x](javascript:alert(1)) [y](JavaScript:z) [z](data:text/html,x)"),
            "<p>[x](javascript:alert(1)) [y](JavaScript:z) [z](data:text/html,x)</p>");
  EXPECT_EQ(
      html("table", "<table onclick=x><tr><td onmouseover=\"x()\" rowspan=\"2\"><script>x</script></td></tr></table>"),
      "<div class=\"scroll\"><table><tr><td rowspan=\"2\">&lt;script&gt;x&lt;/script&gt;</td></tr></table></div>");
}

TEST(BlockHtml, ClosesTagsInTheirOrder) {
  EXPECT_EQ(html("text", "**a <sup>b** c</sup> d"), "<p><strong>a <sup>b</sup></strong><sup> c</sup> d</p>");
}

}  // namespace
}  // namespace lectern
