#include "layout/markup.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(Markup, IsEscaped) {
  EXPECT_EQ(escape_markup("<a href=\"x\" id='y'>&amp;"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_markup(std::string_view("a\0b\x1B\n\t\x7F\xFF", 8)), "a\uFFFDb\uFFFD\n\t\uFFFD\uFFFD");
}

TEST(Markup, EntitiesAreDecoded) {
  EXPECT_EQ(decode_entities("&lt;&#65;&#x42;&gt; &amp;lt; &nbsp;&quot;&apos;"), "<AB> &lt; \u00A0\"'");
  EXPECT_EQ(decode_entities("&#x1F600; &#xD800; &#x110000; &#0;"), "\U0001F600 \uFFFD \uFFFD &#0;");
  EXPECT_EQ(decode_entities("& &; &x; a&b &amp &#99999999999;"), "& &; &x; a&b &amp &#99999999999;");
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
