#include "layout/markup.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(Markup, IsEscaped) {
  EXPECT_EQ(escape_markup("<a href=\"x\" id='y'>&amp;"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_markup(std::string_view("a\0b\x1B\n\t\x7F\xFF", 8)), "a\uFFFDb\uFFFD\n\t\uFFFD\uFFFD");
}

TEST(Markup, HoldsNoCharacterThatXmlForbids) {
  EXPECT_EQ(escape_markup("a\uFFFEb\uFFFFc\uFFFDd\U0001FFFEe\U0010FFFFf\u009Bg\u00A0h\u00E9"),
            "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf\uFFFDg\u00A0h\u00E9");
  EXPECT_EQ(escape_text("\"it's\" <&>"), "\"it's\" &lt;&amp;&gt;");
}

TEST(Markup, KnowsCharactersThatFillASquare) {
  EXPECT_TRUE(is_wide(U'漢'));
  EXPECT_FALSE(is_wide(U'é'));
}

TEST(Markup, CharactersAreReadAndWritten) {
  const std::string_view text = "aé漢😀";
  EXPECT_EQ(characters_of(text), U"aé漢😀");
  std::string again;
  for (const char32_t c : characters_of(text)) again += utf8_of(c);
  EXPECT_EQ(again, text);
  EXPECT_EQ(characters_of("\xFFz"), U"\uFFFDz");
}

}  // namespace
}  // namespace lectern
