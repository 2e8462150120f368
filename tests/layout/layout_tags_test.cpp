// The lexer alone; layout_test reads whole answers through it.
#include "layout/layout_tags.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

// The pieces as the one spelling that the parser knows.
std::string spelled(const std::string& raw) {
  std::string out;
  for (const TagPiece& piece : split_at_markers(raw)) {
    constexpr std::string_view names[] = {"", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"};
    out += names[static_cast<size_t>(piece.marker)];
    out += piece.text;
  }
  return out;
}

TEST(LayoutTags, HaveOneSpelling) {
  const std::string same = "a<|ref|>title<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>b";
  EXPECT_EQ(spelled(same), same);
  const std::string title = "<|ref|>title<|/ref|><|det|>[1, 2, 3, 4]<|/det|>\nb";
  EXPECT_EQ(spelled("<|det|>title [1, 2, 3, 4]<|/det|>\nb"), title);
  EXPECT_EQ(spelled("title [1, 2, 3, 4]\nb"), title);
  EXPECT_EQ(spelled("<|ref|>title<|/ref|>[1, 2, 3, 4]\nb"), title);
  EXPECT_EQ(spelled("a<|pad|>b<｜▁pad▁｜>c"), "abc");
}

TEST(LayoutTags, TellSpecialTokensFromText) {
  EXPECT_EQ(special_token_length("<|endoftext|>x"), 13u);
  EXPECT_EQ(special_token_length("<｜end▁of▁sentence｜>"), std::string_view("<｜end▁of▁sentence｜>").size());
  for (const std::string_view text : {"<| a |>", "<|>", "<||>", "<|a", "<|a|", "< |a|>", "<|a\n|>", "<|a<|>"}) {
    EXPECT_EQ(special_token_length(text), 0u) << text;
  }
  EXPECT_EQ(special_token_length("<|" + std::string(100, 'x') + "|>"), 0u);
}

TEST(LayoutTags, FindTheEndOfAPrompt) {
  EXPECT_EQ(prompt_echo_length("<image>\nFree OCR. Text"), 17u);
  EXPECT_EQ(prompt_echo_length("<|grounding|>Do it.\nText"), 19u);
  EXPECT_EQ(prompt_echo_length("<|ref|>text<|/ref|>"), 0u);
  EXPECT_EQ(prompt_echo_length("Text"), 0u);
}

TEST(LayoutTags, HaveTheirBoxesMoved) {
  const auto moved = [](const std::string& raw) {
    return with_moved_boxes(raw, [](std::array<int, 4> box) {
      box[1] += 500;
      box[3] += 500;
      return box;
    });
  };
  EXPECT_EQ(moved("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4], [5, 6, 7, 8]]<|/det|>\n[[1, 2, 3, 4]]\xFF"),
            "<|ref|>text<|/ref|><|det|>[[1, 502, 3, 504], [5, 506, 7, 508]]<|/det|>\n[[1, 2, 3, 4]]\xFF");
  EXPECT_EQ(moved("<|det|>title [1, 2, 3, 4]<|/det|>A"), "<|det|>title [[1, 502, 3, 504]]<|/det|>A");
  EXPECT_EQ(moved("<|det|>[[1, 2]]<|/det|>A"), "<|det|>[[1, 2]]<|/det|>A");
}

TEST(LayoutTags, CountTheBytesOfCoordinates) {
  const Coordinates found = read_coordinates("[[1, 2, 3, 4], [5, 6, 7, 8]] and 9");
  EXPECT_EQ(found.length, 28u);
  EXPECT_EQ(found.boxes.size(), 2u);
  EXPECT_TRUE(found.whole);
  EXPECT_FALSE(read_coordinates("[1, 2, 3]").whole);
}

}  // namespace
}  // namespace lectern
