#include "layout/text/shown_text.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(ShownText, DoesNotActOnATerminal) {
  EXPECT_EQ(terminal_text("a\x1B[31m\n\tb\x07\u009B31m\u202Ec\xFF\r"),
            "a\uFFFD[31m\n\tb\uFFFD\uFFFD31m\uFFFDc\uFFFD\uFFFD");
  EXPECT_EQ(terminal_text("Grüße, 漢字 שלום 😀"), "Grüße, 漢字 שלום 😀");
  EXPECT_EQ(terminal_line("\u009B31mred\n\x1B\u2066.png\xFE"), "?31mred???.png?");
}

TEST(ShownText, EndsNoComment) {
  EXPECT_EQ(comment_text("x--!><img src=x>"), "x- -!><img src=x>");
  EXPECT_EQ(comment_text("a-->b---\nc-"), "a- ->b- - - c- ");
  EXPECT_EQ(comment_text("bad\xFF\xFE.png"), "bad\uFFFD\uFFFD.png");
}

TEST(ShownText, IsOnePropertyOfHocr) { EXPECT_EQ(hocr_property("a;b \"c\" \\\n\xFF"), "a_b _c_ __\uFFFD"); }

}  // namespace
}  // namespace lectern
