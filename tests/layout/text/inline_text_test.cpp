#include "layout/text/inline_text.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

// Runs with a letter for each kind and style: b bold, s starred, f formula, c code, l link, p picture.
std::string shown(const std::string& text) {
  StyledText styled;
  styled.append(text, 0);
  std::string out;
  for (const TextRun& run : parse_inline(styled)) {
    std::string marks;
    if ((run.style & style_strong) != 0) marks += 'b';
    if ((run.style & style_starred) != 0) marks += 's';
    if (run.kind != TextRun::Kind::text) marks += ".fclp"[static_cast<size_t>(run.kind)];
    out += marks.empty() ? run.text : "{" + marks + ":" + run.text + (run.target.empty() ? "" : ">" + run.target) + "}";
  }
  return out;
}

TEST(InlineText, PairsAsterisksAroundWords) {
  EXPECT_EQ(shown("a **bold** b"), "a {b:bold} b");
  EXPECT_EQ(shown("**Note:** c"), "{b:Note:} c");
  EXPECT_EQ(shown("**标题**内容"), "{b:标题}内容");
  EXPECT_EQ(shown("***x*** and *y*"), "{bs:x} and {s:y}");
  EXPECT_EQ(shown("**a *b* c**"), "{b:a }{bs:b}{b: c}");
  EXPECT_EQ(shown("(**x**), \"**y**\""), "({b:x}), \"{b:y}\"");
  for (const std::string same : {"2**3 is 8 and x**2", "(**)", "**", "****", "** a **", "a ** b ** c", "**open",
                                 "close**", "word**inner**word", "\\**x**", "5*x*y", "* a *", "*"}) {
    EXPECT_EQ(shown(same), same);
  }
}

TEST(InlineText, FindsFormulas) {
  EXPECT_EQ(shown("a \\( **x** \\) b \\[ y \\\\[2pt] z \\]"), "a {f:\\( **x** \\)} b {f:\\[ y \\\\[2pt] z \\]}");
  EXPECT_EQ(shown("$x_1$ and $$y$$"), "{f:$x_1$} and {f:$$y$$}");
  for (const std::string same : {"costs $5 and $6", "a \\( b", "a \\( b\n\nc \\)", "\\) \\] \\", "\\\\(x\\\\)",
                                 "\\( x \\]", "US$ and A$", "$ x $", "a$b$c", "$x\ny$"}) {
    EXPECT_EQ(shown(same), same);
  }
}

TEST(InlineText, FindsCodeLinksAndPictures) {
  EXPECT_EQ(shown("`a` and ``b ` c``"), "{c:a} and {c:b ` c}");
  EXPECT_EQ(shown("[t](http://a/b) ![](images/0.jpg) [m](mailto:a@b)"),
            "{l:t>http://a/b} {p:>images/0.jpg} {l:m>mailto:a@b}");
  for (const std::string same :
       {"`a", "` `", "a ` b ` c", "` a`", "a`b`c", "[1] C. Huygens", "[x](javascript:y)", "[x](//host)", "[x](a b)",
        "[](a)", "[x](vbscript:y)", "[x] (y)", "![x", "[x](", "f[i](x"}) {
    EXPECT_EQ(shown(same), same);
  }
}

TEST(InlineText, TakesTimeInProportionToTheText) {
  const size_t size = 1'000'000;
  for (const std::string piece :
       {"**", "*a ", "**a ", "a** ", "`", "``` `", "[", "[a](", "\\( ", "\\[ ", "$$", "$a ", "!["}) {
    StyledText text;
    while (text.text.size() < size) text.append(piece, 0);
    EXPECT_FALSE(parse_inline(text).empty());
  }
}

}  // namespace
}  // namespace lectern
