#include "layout/block_text.h"

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

TEST(BlockText, GivesFormulasTheirDollars) {
  EXPECT_EQ(with_dollar_formulas("a \\( x \\) b \\(y\\)"), "a $x$ b $y$");
  EXPECT_EQ(with_dollar_formulas("\\[\n a \\\\[2pt] b \\]"), "$$a \\\\[2pt] b$$");
  EXPECT_EQ(with_dollar_formulas("costs $5 and \\(x\\) and \\$6"), "costs \\$5 and $x$ and \\$6");
  for (const std::string same :
       {"costs $5 and $6", "a \\( b", "a \\( b\n\nc \\)", "\\) \\] \\", "\\\\(x\\\\)", "\\( x \\]"}) {
    EXPECT_EQ(with_dollar_formulas(same), same);
  }
  std::string open;
  while (open.size() < 4'000'000) open += "\\( \\[ ";
  EXPECT_EQ(with_dollar_formulas(open), open);
}

}  // namespace
}  // namespace lectern
