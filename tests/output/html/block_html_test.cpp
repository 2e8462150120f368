#include "output/html/block_html.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

std::string html(const std::string& label, const std::string& text) { return block_html({label, {}, {}, text}); }

TEST(BlockHtml, ShowsWhatMarkdownMeans) {
  EXPECT_EQ(html("title", "# A **bold** title"), "<h3>A <strong>bold</strong> title</h3>");
  EXPECT_EQ(html("text", "One\ntwo\n\nthree **x"), "<p>One<br>two</p><p>three **x</p>");
  EXPECT_EQ(html("image_caption", "<center>A &amp; &lt;b&gt; </center>"), "<p>A &amp; &lt;b&gt; </p>");
  EXPECT_EQ(html("equation", "\\[ a < b \\]"), "<pre class=\"formula\">\\[ a &lt; b \\]</pre>");
  EXPECT_EQ(html("code", "# no heading\n  <b>"), "<pre># no heading\n  &lt;b&gt;</pre>");
  EXPECT_EQ(html("table", "T\n<table><tr><td colspan=\"2\">a</td></tr></table>"),
            "<p>T</p><div class=\"scroll\"><table><tr><td colspan=\"2\">a</td></tr>\n</table></div>");
  EXPECT_EQ(html("image", ""), "");
}

TEST(BlockHtml, LetsNoMarkupThrough) {
  EXPECT_EQ(html("text", "<script>alert('x')</script> <img onerror=x> **<b>**"),
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &lt;img onerror=x&gt; <strong></strong></p>");
  EXPECT_EQ(html("text", "# <iframe src=\"javascript:x\">"), "<h3>&lt;iframe src=&quot;javascript:x&quot;&gt;</h3>");
  EXPECT_EQ(html("text", "<center><<center>script></center>"), "<p>&lt;script&gt;</p>");
}

}  // namespace
}  // namespace lectern
