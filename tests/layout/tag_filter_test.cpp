#include "layout/tag_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "layout/layout.h"

namespace lectern {
namespace {

const std::string tag = "<|ref|>title<|/ref|><|det|>[[12, 30, 900, 77]]<|/det|>";

std::string filtered(const std::vector<std::string_view>& chunks) {
  TagFilter filter;
  std::string out;
  for (const std::string_view chunk : chunks) out += filter.push(chunk);
  return out + filter.finish();
}

// The text in one chunk; in bytes and in all pairs of chunks it must come out the same.
std::string filtered(const std::string& text) {
  const std::string out = filtered(std::vector<std::string_view>{text});
  const std::string_view view = text;
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < view.size(); ++i) {
    bytes.push_back(view.substr(i, 1));
    EXPECT_EQ(filtered({view.substr(0, i), view.substr(i)}), out) << "cut at " << i;
  }
  EXPECT_EQ(filtered(bytes), out);
  return out;
}

TEST(TagFilter, TakesOutWholeTagsWithTheirLineBreak) {
  EXPECT_EQ(filtered(tag + "\n# Heading\n\n" + tag + "\nText.\n"), "# Heading\n\nText.\n");
  EXPECT_EQ(filtered(tag + " on one line"), " on one line");
  EXPECT_EQ(filtered("before" + tag + tag + "\n\nbehind"), "before\nbehind");
  EXPECT_EQ(filtered(tag), "");
  EXPECT_EQ(filtered(tag + "\n"), "");
  EXPECT_EQ(filtered("<|ref|><|/ref|><|det|><|/det|>x"), "x");
}

TEST(TagFilter, LabelsMayHoldAnythingButTags) {
  EXPECT_EQ(filtered("<|ref|>a < b, <td> and\n漢字<|/ref|><|det|>[[1]]<|/det|>\nx"), "x");
}

TEST(TagFilter, KeepsOtherText) {
  for (const std::string text : {"", "plain", "a < b", "<", "<<", "<|", "<table><tr><td>1</td></tr></table>",
                                 "x <| y |> z", "\n\n", "ä<ö|ü>漢", "<|ref|", "<| x |>", "<|>", "<｜ a ｜>"}) {
    EXPECT_EQ(filtered(text), text);
  }
}

TEST(TagFilter, TakesOutTheTagsOfUnlimitedOcr) {
  EXPECT_EQ(filtered("<|det|>title [123, 29, 322, 75]<|/det|>Annual report\n<|det|>text [1, 2, 3, 4]<|/det|>\nMore"),
            "Annual report\nMore");
  EXPECT_EQ(filtered("<|det|>[[1, 2, 3, 4]]<|/det|>\nx"), "x");
}

// What is streamed of a tag without a whole box is what the finished text has of it.
TEST(TagFilter, AgreesWithTheParserOnTagsWithoutAWholeBox) {
  for (const std::string body : {"text [1,2,3]", "text [1, 2, 3, 4, 5]  ", "text [1, 2, 3, 4", "text [[1, 2], 3]",
                                 "[1,2,3]", "[[1, 2", "[]", "1, 2, 3, 4", "\n[1, 2, 3]", "text []", "text", "",
                                 "1, 2, 3", "text [1, 2, 3] more", "text [a]", "a < [1, 2]"}) {
    const std::string text = "<|det|>" + body + "<|/det|>Words\n";
    std::string kept;
    for (const Block& block : parse_layout(text, 100, 100).blocks) kept += block.text;
    EXPECT_EQ(trimmed(filtered(text)), kept) << body;
  }
}

TEST(TagFilter, TakesOutSpecialTokens) {
  EXPECT_EQ(filtered("A <|pad|>cell<td>12</td><td>34</td><｜▁pad▁｜><｜end▁of▁sentence｜>"),
            "A cell<td>12</td><td>34</td>");
  EXPECT_EQ(filtered("a <|x|>\n<|/ref|>b"), "a \nb");
}

TEST(TagFilter, KeepsTheWordsOfTagsWithinASentence) {
  const auto word = [](const std::string& text) {
    return "<|ref|>" + text + "<|/ref|><|det|>[[1, 1, 20, 20]]<|/det|>";
  };
  EXPECT_EQ(filtered("A " + word("cat") + " sits on a " + word("mat") + "."), "A cat sits on a mat.");
  EXPECT_EQ(filtered(word("The dog") + " sleeps.\n" + word("He") + ", too."), "The dog sleeps.\nHe, too.");
  EXPECT_EQ(filtered("Text." + tag + "\nMore"), "Text.More");
}

TEST(TagFilter, LosesNothingOfBrokenTagsButTheirMarkers) {
  for (const auto& [text, kept] :
       std::vector<std::pair<std::string, std::string>>{{"<|ref|>no end", "no end"},
                                                        {"<|ref|>title<|/ref|>\nno box", "title\nno box"},
                                                        {"<|ref|>title<|/ref|><|det|>[[1, 2", "title[[1, 2"},
                                                        {"<|ref|>title<|/ref|><|de", "title<|de"},
                                                        {"<|ref|>title<|det|>[[1]]<|/det|>\n", "title"},
                                                        {"<|ref|>title<|/ref|><|det|><", "title<"},
                                                        {"<|ref|>a<|/ref|><|det|>b<|ref|>c", "abc"},
                                                        {"<|det|>none<|/det|>", "none"}}) {
    EXPECT_EQ(filtered(text), kept);
  }
}

TEST(TagFilter, ATagInsideOfABrokenOneIsTakenOut) {
  EXPECT_EQ(filtered("<|ref|>un" + tag + "\nx"), "unx");
  EXPECT_EQ(filtered("<" + tag + "\nx"), "<x");
  EXPECT_EQ(filtered("<|ref|>a<|/ref|><|det|>" + tag + "x"), "ax");
}

TEST(TagFilter, WhatGoesOnForLongIsText) {
  const auto with_label = [](size_t length) {
    return "<|ref|>" + std::string(length, 'x') + "<|/ref|><|det|>[[1]]<|/det|>";
  };
  EXPECT_EQ(filtered(with_label(900)), "");
  EXPECT_EQ(filtered(with_label(1100)), std::string(1100, 'x'));

  TagFilter filter;
  size_t written = filter.push("<|ref|>").size();
  for (int i = 0; i < 10000; ++i) written += filter.push("x").size();
  EXPECT_GT(written, 8000u) << "the text is held back";
  EXPECT_EQ(written + filter.finish().size(), 10000u);
}

TEST(TagFilter, IsReadyForMoreAfterTheEnd) {
  TagFilter filter;
  EXPECT_EQ(filter.push("a<|ref|>"), "a");
  EXPECT_EQ(filter.finish(), "");
  EXPECT_EQ(filter.push("title"), "title");
  EXPECT_EQ(filter.finish(), "");
}

TEST(TagFilter, AgreesWithARegularExpressionOnRandomMixes) {
  const std::regex whole(
      R"(<\|ref\|>(?:[^<]|<(?!\|))*<\|/ref\|><\|det\|>(?:[^<]|<(?!\|))*<\|/det\|>\n?|<\|/?[a-z]+\|>)");
  const std::vector<std::string> pieces = {"<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<", "|",
                                           ">",       "\n",       "title",   "\u00E9\n", tag, "<td>"};
  std::mt19937 random(7);
  int changed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    // Every other text is made mostly of the pieces of a tag in their order, so that whole tags are frequent.
    for (unsigned i = 0, count = random() % 14; i < count; ++i) {
      static const std::vector<std::string> ordered = {"<|ref|>", "title", "<|/ref|>", "<|det|>", "<|/det|>"};
      text += round % 2 == 0 && random() % 8 != 0 ? ordered[i % 5] : pieces[random() % pieces.size()];
    }
    const std::string expected = filtered(std::vector<std::string_view>{text});
    changed += expected != text ? 1 : 0;
    // Labels that are none of a layout may be words of a sentence: the other tests look at these.
    bool words = false;
    for (std::sregex_iterator at(text.begin(), text.end(), whole), end; at != end; ++at) {
      const std::string found = at->str();
      words |= found.starts_with("<|ref|>") && found.size() > 7 && !found.starts_with("<|ref|>title<|/ref|>") &&
               !found.starts_with("<|ref|><|/ref|>");
    }
    if (!words) {
      EXPECT_EQ(expected, std::regex_replace(text, whole, "")) << text;
    }
    std::vector<std::string_view> chunks;
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(chunks.back().size())) {
      chunks.push_back(rest.substr(0, 1 + random() % 9));
    }
    EXPECT_EQ(filtered(chunks), expected) << text;
  }
  EXPECT_GT(changed, 300);
}

}  // namespace
}  // namespace lectern
