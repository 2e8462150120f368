#include "reading/streamed_text.h"

#include <gtest/gtest.h>

#include "support/mini_model.h"

namespace lectern {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer loaded = Tokenizer::load(testing::mini_folder / "tokenizer.json");
  return loaded;
}

std::string shown(std::string_view text, Shown how) {
  StreamedText shown(tokenizer(), how);
  std::string out;
  for (const int32_t id : tokenizer().encode(text)) out += shown.push(id);
  return out + shown.finish();
}

TEST(StreamedText, PlainTextKeepsTheCellsOfTablesApart) {
  EXPECT_EQ(shown("<table><tr><td>12</td><td>34</td></tr></table>", Shown::plain), "12\t34\n");
  EXPECT_EQ(shown("1 < 2<|grounding|> and <td>", Shown::plain), "1 < 2 and <td>");
}

TEST(StreamedText, RawTextIsAllOfIt) {
  const std::string text = "<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nb <td>";
  EXPECT_EQ(shown(text, Shown::raw), text);
}

TEST(StreamedText, UntaggedTextHasNoLayout) {
  EXPECT_EQ(shown("<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nb <td>", Shown::untagged), "b <td>");
}

// What is held back comes in the order in which it was written.
TEST(StreamedText, HalfACharacterBehindThePartOfATagComesLast) {
  StreamedText text(tokenizer(), Shown::untagged);
  std::string out;
  for (const int32_t id : tokenizer().encode("a<|re")) out += text.push(id);
  const std::vector<int32_t> euro = tokenizer().encode("\xe2");
  ASSERT_EQ(euro.size(), 1u);
  out += text.push(euro[0]);
  EXPECT_EQ(out, "a");
  EXPECT_EQ(out + text.finish(), "a<|re\xef\xbf\xbd");
}

}  // namespace
}  // namespace lectern
