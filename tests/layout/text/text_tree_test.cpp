#include "layout/text/text_tree.h"

#include <gtest/gtest.h>

#include <string>

#include "layout/text/block_text.h"

namespace lectern {
namespace {

Block block(const std::string& label, const std::string& text) { return {label, {}, {}, text}; }

// Elements by their kind, with the line breaks before them.
std::string shown(const std::string& label, const std::string& text) {
  std::string out;
  for (const TextElement& element : parse_text(block(label, text))) {
    out += std::string(static_cast<size_t>(element.line_breaks), '/');
    out += "phitc"[static_cast<size_t>(element.kind)];
    if (element.level > 0) out += std::to_string(element.level);
    out += ":" + element.prefix;
    out += element.kind == TextElement::Kind::table ? plain_text(element.rows, "|") : plain_text(element.runs);
  }
  return out;
}

TEST(TextTree, PartsElements) {
  EXPECT_EQ(shown("title", "# A\n## B\nc\nd\n\n\ne"), "h1:A/h2:B/p:c\nd///p:e");
  EXPECT_EQ(shown("text", "a:\n- b\n  c\n- d\n\n12. e"), "p:a:/i:- b\n  c/i:- d//i:12. e");
  EXPECT_EQ(shown("title", "1. Introduction"), "p:1. Introduction");
  EXPECT_EQ(shown("text", "#5\n# \n####### a"), "p:#5\n# \n####### a");
  EXPECT_EQ(shown("table", "T\n<table><tr><td>a<td>b</table>\n\nS"), "p:T/t:a|b//p:S");
  EXPECT_EQ(shown("text", "- \n-x\n1986 a"), "p:- \n-x\n1986 a");
}

TEST(TextTree, TakesStarsForAListOnlyWhereThereAreSeveral) {
  EXPECT_EQ(shown("text", "* not audited"), "p:* not audited");
  EXPECT_EQ(shown("text", "* a\n* b"), "i:* a/i:* b");
  EXPECT_EQ(shown("list", "* a"), "i:* a");
  EXPECT_EQ(shown("table_footnote", "* a\n* b"), "p:* a\n* b");
}

TEST(TextTree, KeepsFormulasAndCodeTogether) {
  EXPECT_EQ(shown("equation", "\\[\na\n- b\n# c\n\\]"), "p:\\[\na\n- b\n# c\n\\]");
  EXPECT_EQ(shown("text", "a\n```c\n# <b>\n- x\n```\nb"), "p:a/c:c`# <b>\n- x`/p:b");
  EXPECT_EQ(shown("text", "```\nno end"), "p:```\nno end");
  EXPECT_EQ(shown("code", "# x\n- y"), "c:`# x\n- y`");
  EXPECT_EQ(shown("code", "```py\nx\n```"), "c:py`x`");
}

TEST(TextTree, ReadsTablesOfMarkdown) {
  EXPECT_EQ(shown("", "a\n| b | c \\| d |\n|:--|---|\n| e |  |\nf"), "p:a/t:b|c | d\ne|/p:f");
  EXPECT_EQ(shown("", "| b | c |\n| d | e |"), "p:| b | c |\n| d | e |");
}

TEST(TextTree, KnowsWhatIsShownAsAPicture) {
  EXPECT_TRUE(is_figure(block("image", "")));
  EXPECT_TRUE(is_figure(block("table", "")));
  EXPECT_TRUE(is_figure(block("table", "<table><tr><td> </td></tr></table>")));
  EXPECT_FALSE(is_figure(block("table", "<table><tr><td>1</td></tr></table>")));
  EXPECT_FALSE(is_figure(block("text", "")));
}

TEST(TextTree, TakesTimeInProportionToTheText) {
  const size_t size = 1'000'000;
  for (const std::string piece : {"```\n", "- a\n", "# a\n", "|\n", "|-\n", "\\[\n", "* a\n", "\n", " \n", "```a\n"}) {
    std::string text;
    while (text.size() < size) text += piece;
    parse_text(block("text", text));
  }
}

}  // namespace
}  // namespace lectern
