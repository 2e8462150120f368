// What the model writes is read into blocks; whatever is wrong with the tags, no text is lost.
#include "layout/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "support/raw_outputs.h"
#include "support/sanitized.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string tag(const std::string& label, const std::string& boxes) {
  return "<|ref|>" + label + "<|/ref|><|det|>" + boxes + "<|/det|>";
}

std::vector<std::string> labels(const Layout& layout) {
  std::vector<std::string> out;
  for (const Block& block : layout.blocks) out.push_back(block.label);
  return out;
}

std::vector<std::string> texts(const Layout& layout) {
  std::vector<std::string> out;
  for (const Block& block : layout.blocks) out.push_back(block.text);
  return out;
}

void expect_box(const Box& box, double left, double top, double right, double bottom) {
  EXPECT_NEAR(box.left, left, 0.01);
  EXPECT_NEAR(box.top, top, 0.01);
  EXPECT_NEAR(box.right, right, 0.01);
  EXPECT_NEAR(box.bottom, bottom, 0.01);
}

TEST(LayOut, GivesThePageItsBlocksAndWarnings) {
  Page page;
  page.width = page.height = layout_scale;
  page.raw = tag("title", "[[1, 2, 30, 40]]") + "\n# A\n" + tag("text", "[[none]]") + "\nB";
  page.warnings.push_back({WarningCode::no_picture, "gone", std::nullopt});
  lay_out(page);
  const Layout layout = parse_layout(page.raw, layout_scale, layout_scale);
  ASSERT_EQ(page.blocks.size(), layout.blocks.size());
  EXPECT_EQ(page.blocks[0].label, "title");
  ASSERT_EQ(page.warnings.size(), 1 + layout.warnings.size());
  EXPECT_EQ(page.warnings[0].code, WarningCode::no_picture);
}

TEST(Layout, ScalesBoxesToThePage) {
  const Layout layout = parse_layout(tag("title", "[[0, 0, 999, 999]]") + "\n# A title\n\n" +
                                         tag("text", "[[333, 111, 666, 222]]") + "\nSome text.\nIn two lines.\n",
                                     1998, 999);
  EXPECT_THAT(layout.warnings, IsEmpty());
  ASSERT_THAT(layout.blocks, SizeIs(2));
  EXPECT_EQ(layout.blocks[0].label, "title");
  EXPECT_EQ(layout.blocks[0].text, "# A title");
  expect_box(layout.blocks[0].boxes.at(0), 0, 0, 1998, 999);
  EXPECT_EQ(layout.blocks[1].text, "Some text.\nIn two lines.");
  expect_box(layout.blocks[1].boxes.at(0), 666, 111, 1332, 222);
  EXPECT_THAT(layout.blocks[1].raw_boxes, ElementsAre(std::array<int, 4>{333, 111, 666, 222}));
}

TEST(Layout, ReadsRealisticPages) {
  const Layout paper = parse_layout(testing::paper_page, 1240, 1754);
  EXPECT_THAT(labels(paper), ElementsAre("header", "title", "text", "sub_title", "text", "equation", "text", "image",
                                         "image_caption", "list", "aside_text", "reference", "footer", "page_number"));
  EXPECT_THAT(paper.warnings, IsEmpty());
  EXPECT_EQ(paper.blocks[7].text, "");
  EXPECT_EQ(paper.blocks[13].text, "12");

  const Layout report = parse_layout(testing::report_page, 1654, 2339);
  EXPECT_THAT(labels(report), ElementsAre("title", "table_caption", "table", "table_footnote", "table", "table_caption",
                                          "figure_title", "image", "code"));
  EXPECT_THAT(report.blocks[2].text, HasSubstr("rowspan=\"2\""));
  EXPECT_THAT(report.blocks[7].raw_boxes, SizeIs(2));
  EXPECT_EQ(report.blocks[8].text.substr(0, 4), "    ") << "code keeps the indentation of its first line";
  EXPECT_THAT(report.warnings, IsEmpty());
}

TEST(Layout, KeepsTextThatStandsOutsideOfTags) {
  EXPECT_THAT(parse_layout("", 10, 10).blocks, IsEmpty());
  EXPECT_THAT(parse_layout(" \n \n", 10, 10).blocks, IsEmpty());
  const Layout plain = parse_layout("\nJust text, 1 < 2.\n\nAnd more.\n", 10, 10);
  ASSERT_THAT(plain.blocks, SizeIs(1));
  EXPECT_EQ(plain.blocks[0].label, "");
  EXPECT_EQ(plain.blocks[0].text, "Just text, 1 < 2.\n\nAnd more.");
  EXPECT_THAT(plain.blocks[0].boxes, IsEmpty());
  EXPECT_THAT(texts(parse_layout("Before\n" + tag("text", "[[1, 2, 3, 4]]") + "Behind", 10, 10)),
              ElementsAre("Before", "Behind"));
}

TEST(Layout, TakesLabelsForTextWhereNothingElseWasRead) {
  const Layout words =
      parse_layout(tag("Total", "[[1, 2, 30, 40]]") + "\n" + tag("12.50", "[[50, 2, 80, 40]]") + "\n", 100, 100);
  EXPECT_THAT(texts(words), ElementsAre("Total", "12.50"));
  EXPECT_THAT(labels(words), ElementsAre("Total", "12.50"));
  const Layout picture = parse_layout(tag("image", "[[1, 2, 30, 40]]"), 100, 100);
  EXPECT_THAT(texts(picture), ElementsAre(""));
}

TEST(Layout, ReadsSeveralBoxesHoweverTheyAreBracketed) {
  for (const std::string boxes :
       {"[[1, 2, 30, 40], [50, 60, 70, 80]]", "[[1,2,30,40],[50,60,70,80]]", "[1, 2, 30, 40], [50, 60, 70, 80]",
        "[[1, 2, 30, 40, 50, 60, 70, 80]]", "\n[[1, 2, 30, 40],\n[50, 60, 70, 80]]\n", "1 2 30 40 50 60 70 80",
        "[[1.2, 2.0, 29.6, 40], [50, 60, 70, 80.4]]", "[[1, 2, 30, 40]]<|/det|><|det|>[[50, 60, 70, 80]]"}) {
    const Layout layout = parse_layout(tag("text", boxes) + "x", 999, 999);
    ASSERT_THAT(layout.blocks, SizeIs(1)) << boxes;
    EXPECT_EQ(layout.blocks[0].text, "x");
    EXPECT_THAT(layout.warnings, IsEmpty()) << boxes;
    ASSERT_THAT(layout.blocks[0].boxes, SizeIs(2)) << boxes;
    expect_box(layout.blocks[0].boxes[0], 1, 2, 30, 40);
    expect_box(layout.blocks[0].boxes[1], 50, 60, 70, 80);
  }
}

TEST(Layout, BringsBoxesIntoOrderAndOntoThePage) {
  const auto box_of = [](const std::string& coordinates) {
    return parse_layout(tag("text", coordinates) + "x", 999, 500).blocks.at(0).boxes.at(0);
  };
  expect_box(box_of("[[700, 999, 100, 0]]"), 100, 0, 700, 500);
  expect_box(box_of("[[-5, -100, 2000, 5000]]"), 0, 0, 999, 500);
  expect_box(box_of("[[99999999999999999999, 0, 0, 999]]"), 0, 0, 999, 500);
  for (const std::string narrow :
       {"[[300, 0, 300, 999]]", "[[999, 999, 999, 999]]", "[[0, 0, 0, 0]]", "[[1200, 1200, 1300, 1300]]"}) {
    const Box box = box_of(narrow);
    EXPECT_GE(box.left, 0);
    EXPECT_GE(box.top, 0);
    EXPECT_LE(box.right, 999);
    EXPECT_LE(box.bottom, 500);
    EXPECT_GE(box.right - box.left, 1) << narrow;
    EXPECT_GE(box.bottom - box.top, 1) << narrow;
  }
  const Layout tiny = parse_layout(tag("text", "[[0, 0, 999, 999]]") + "x", 0, -7);
  expect_box(tiny.blocks.at(0).boxes.at(0), 0, 0, 1, 1);
}

TEST(Layout, ReadsMalformedTags) {
  struct Case {
    std::string raw;
    std::vector<std::string> labels, texts;
    size_t boxes;  // of the last block
  };
  const std::string box = "[[1, 2, 30, 40]]";
  for (const Case& c : std::vector<Case>{
           {"<|ref|>text<|/ref|>Hello", {"text"}, {"Hello"}, 0},
           {tag("text", "") + "Hello", {"text"}, {"Hello"}, 0},
           {tag("text", "[[]]") + "Hello", {"text"}, {"Hello"}, 0},
           {tag("text", "[[1, 2, 3]]") + "Hello", {"text"}, {"Hello"}, 0},
           {tag("text", "[[1, 2, 30, 40") + "Hello", {"text"}, {"Hello"}, 1},
           {tag("text", "[[a, b]]") + "Hello", {"text"}, {"a, b]]Hello"}, 0},
           {tag("text", "[[4e2, nan, 3, 4]]") + "Hello", {"text"}, {"4e2, nan, 3, 4]]Hello"}, 0},
           {tag("text", "[[100, 200, 300, 4e2]]") + "Hello", {"text"}, {"4e2]]Hello"}, 0},
           {tag("text", "[[1, 2, inf, 4]]") + "Hello", {"text"}, {"inf, 4]]Hello"}, 0},
           {tag("text", "[[0x10, 2, 30, 40]]") + "Hello", {"text"}, {"0x10, 2, 30, 40]]Hello"}, 0},
           {tag("text", "[[1, 2, 30, 40.5.6]]") + "Hello", {"text"}, {"40.5.6]]Hello"}, 0},
           {tag("text", "[[1, 2-3, 30, 40]]") + "Hello", {"text"}, {"2-3, 30, 40]]Hello"}, 0},
           {tag("text", "[[-5, 2, 30, 40]]") + "Hello", {"text"}, {"Hello"}, 1},
           {tag("text", "[[1, 2, 30, 4000]]") + "Hello", {"text"}, {"Hello"}, 1},
           {tag("text", "see page 5") + "Hello", {"text"}, {"see page 5Hello"}, 0},
           {tag("text", "2024") + "\nHello", {"text"}, {"2024\nHello"}, 0},
           {"<|ref|>text<|/ref|><|det|>" + box + "\nHello 7", {"text"}, {"Hello 7"}, 1},
           {"<|ref|>text<|/ref|><|det|>[[1, 2, 30, 40\n2024 was", {"text"}, {"2024 was"}, 1},
           {"<|det|>" + box + "<|/det|>Hello", {""}, {"Hello"}, 1},
           {"<|ref|>text Hello", {""}, {"text Hello"}, 0},
           {"A<|ref|>text<|ref|>title<|/ref|><|det|>" + box + "<|/det|>B", {"", "title"}, {"Atext", "B"}, 1},
           {"A<|ref|>B\nC<|/ref|><|det|>" + box + "<|/det|>D", {"", ""}, {"AB\nC", "D"}, 1},
           {"A<|/ref|>B<|/det|>C", {""}, {"ABC"}, 0},
           {tag("text", box) + "A" + "<|ref|>", {"text"}, {"A"}, 1},
           {tag("text", box) + "A\n<|ref|>text<|/ref|><|det|>[[1, 2, 3", {"text", "text"}, {"A", ""}, 0},
           {tag("text", box) + "A\n<|ref|>text<|/ref|><|de", {"text", "text"}, {"A", "<|de"}, 0},
           {tag("text", box) + "A <| B |> <|x|>C", {"text"}, {"A <| B |> C"}, 1},
           {"<|ref|>" + std::string(2000, 'x') + "<|/ref|>", {""}, {std::string(2000, 'x')}, 0},
       }) {
    const Layout layout = parse_layout(c.raw, 999, 999);
    EXPECT_EQ(labels(layout), c.labels) << c.raw;
    EXPECT_EQ(texts(layout), c.texts) << c.raw;
    EXPECT_EQ(layout.blocks.empty() ? 0 : layout.blocks.back().boxes.size(), c.boxes) << c.raw;
    const bool tidy = c.raw.ends_with("<|x|>C");
    ASSERT_THAT(layout.warnings, SizeIs(tidy ? 0 : 1)) << c.raw;
    if (!tidy) {
      EXPECT_EQ(layout.warnings[0].code, WarningCode::malformed_tag);
    }
  }
}

// What servers give that drop special tokens.
TEST(Layout, ReadsTagsWithoutTheirSpecialTokens) {
  for (const std::string raw :
       {"title[[330, 198, 558, 230]]\n# Annual report\n\ntext[[100, 90, 900, 140]]\nTotal due 42.\n",
        "title [[330, 198, 558, 230]]# Annual report\n\n  text [100, 90, 900, 140]\nTotal due 42.\n",
        "title [330, 198, 558, 230]# Annual report\ntext[100,90,900,140]Total due 42.",
        "<|ref|>title<|/ref|>[[330, 198, 558, 230]]\n# Annual report\n<|ref|>text<|/ref|>[[100, 90, 900, 140]]\n"
        "Total due 42."}) {
    const Layout layout = parse_layout(raw, 999, 999);
    EXPECT_THAT(labels(layout), ElementsAre("title", "text")) << raw;
    EXPECT_THAT(texts(layout), ElementsAre("# Annual report", "Total due 42.")) << raw;
    EXPECT_THAT(layout.warnings, IsEmpty()) << raw;
    ASSERT_THAT(layout.blocks.at(1).boxes, SizeIs(1)) << raw;
    expect_box(layout.blocks[1].boxes[0], 100, 90, 900, 140);
  }
  const Layout several = parse_layout("image[[1, 2, 3, 4], [5, 6, 7, 8]]\n\ntable[[1, 2, 3, 4]]<table>", 999, 999);
  EXPECT_THAT(several.blocks.at(0).boxes, SizeIs(2));
  EXPECT_EQ(several.blocks.at(1).text, "<table>");
  const Layout words = parse_layout("Total[[1, 2, 30, 40]]\n12.50[[50, 2, 80, 40]]\n", 999, 999);
  EXPECT_THAT(texts(words), ElementsAre("Total", "12.50"));
}

TEST(Layout, TakesNoTextForTagsWithoutSpecialTokens) {
  for (const std::string text :
       {"see text[[1, 2, 3, 4]] there", "A = [[1, 2, 3, 4]]", "A=[[1, 2, 3, 4]]", "text [1, 2, 3, 4] shows that",
        "table [1, 2, 3, 4].", "text[[1, 2, 3]]", "text[[4e2, nan, 3, 4]]", "text[[1, 2, 3, 4e2]]",
        "text[[-1, 2, 3, 4]]", "text[[1, 2, inf, 4]]", "text[[1, 2, 3, 4000]]", "text[[9, 2, 3, 4]]",
        "Total[[1, 2, 30, 40]] and more", "[[1, 2, 3, 4]]", "title", "text[", "text[[1, 2, 3, 4"}) {
    const Layout layout = parse_layout(text, 999, 999);
    EXPECT_THAT(texts(layout), ElementsAre(text));
    EXPECT_THAT(labels(layout), ElementsAre(""));
  }
  // Where tags have their special tokens, nothing else is one.
  EXPECT_THAT(texts(parse_layout(tag("code", "[[1, 2, 3, 4]]") + "\ntext[[1, 2, 3, 4]]", 999, 999)),
              ElementsAre("text[[1, 2, 3, 4]]"));
}

TEST(Layout, ReadsTagsOfUnlimitedOcr) {
  const Layout layout = parse_layout(
      "<|det|>title [123, 29, 322, 75]<|/det|>Annual report\n<|det|>image [1, 2, 30, 40]<|/det|>\n"
      "<|det|>text[[5, 6, 70, 80]]<|/det|>\nMore",
      999, 999);
  EXPECT_THAT(labels(layout), ElementsAre("title", "image", "text"));
  EXPECT_THAT(texts(layout), ElementsAre("Annual report", "", "More"));
  EXPECT_THAT(layout.warnings, IsEmpty());
  expect_box(layout.blocks[0].boxes.at(0), 123, 29, 322, 75);
}

// As broken tags of the other models are.
TEST(Layout, ReadsBrokenTagsOfUnlimitedOcr) {
  const auto laid_out = [](const std::string& raw) { return parse_layout(raw, 999, 999); };
  for (const std::string coordinates :
       {"[700, 999, 100, 0]", "[-5, 2, 1500, 40]", "[1, 2, 30, 40", "[1, 2, 3]", "[[1, 2, 30, 40]] "}) {
    const Layout within = laid_out("<|det|>title " + coordinates + "<|/det|>Hello");
    const Layout beside = laid_out(tag("title", coordinates) + "Hello");
    EXPECT_THAT(labels(within), ElementsAre("title")) << coordinates;
    EXPECT_THAT(texts(within), ElementsAre("Hello")) << coordinates;
    EXPECT_EQ(within.blocks[0].raw_boxes, beside.blocks.at(0).raw_boxes) << coordinates;
    EXPECT_EQ(within.warnings.size(), beside.warnings.size()) << coordinates;
  }
  const Layout open = laid_out("A\n<|det|>text [1, 2, 30, 40]Hello\n" + tag("title", "[[1, 2, 30, 40]]") + "\nB");
  EXPECT_THAT(labels(open), ElementsAre("", "text", "title"));
  EXPECT_THAT(texts(open), ElementsAre("A", "Hello", "B"));
  EXPECT_THAT(open.warnings, SizeIs(1));
  const Layout inside = laid_out("<|det|>text [1, 2, 30, 40]Hello<|/det|>");
  EXPECT_THAT(texts(inside), ElementsAre("Hello"));
  EXPECT_THAT(inside.blocks[0].boxes, SizeIs(1));
  for (const std::string words : {"see [note]", "see [1] for more", "nothing"})
    EXPECT_THAT(texts(laid_out("<|det|>" + words + "<|/det|>")), ElementsAre(words));
}

TEST(Layout, DropsSpecialTokensAndPromptsThatCameBack) {
  const std::string answer = tag("text", "[[1, 2, 30, 40]]") + "\nHello";
  for (const std::string& raw :
       {answer + "<｜end▁of▁sentence｜><｜▁pad▁｜><｜▁pad▁｜>", answer + "<|endoftext|>",
        "<image>\n<|grounding|>Convert the document to markdown.\n" + answer,
        "<｜begin▁of▁sentence｜><image>\n<|grounding|>Convert the document to markdown. " + answer,
        "<|grounding|>What stands here?\n" + answer, "<|User|><image>\nFree OCR.\n" + answer,
        "Convert the document to markdown.\n" + answer, "<image><image>document parsing." + answer}) {
    const Layout layout = parse_layout(raw, 999, 999);
    EXPECT_THAT(texts(layout), ElementsAre("Hello")) << raw;
    EXPECT_THAT(layout.warnings, IsEmpty()) << raw;
  }
  EXPECT_THAT(texts(parse_layout("Free OCR. is a prompt", 9, 9)), ElementsAre("Free OCR. is a prompt"));
  EXPECT_THAT(texts(parse_layout("An <image> of a <| b |>", 9, 9)), ElementsAre("An <image> of a <| b |>"));
  EXPECT_THAT(texts(parse_layout("<|grounding|>", 9, 9)), IsEmpty());
}

TEST(Layout, KeepsWordsWithBoxesInTheirSentence) {
  const Layout layout = parse_layout(
      "A " + tag("cat", "[[1, 1, 20, 20]]") + " sits on a " + tag("mat", "[[30, 30, 60, 60]]") + ".\n", 999, 999);
  EXPECT_THAT(texts(layout), ElementsAre("A cat sits on a mat."));
  EXPECT_THAT(layout.warnings, IsEmpty());
  const Block& block = layout.blocks[0];
  EXPECT_THAT(block.boxes, IsEmpty());
  ASSERT_THAT(block.spans, SizeIs(2));
  EXPECT_EQ(block.text.substr(block.spans[0].begin, block.spans[0].end - block.spans[0].begin), "cat");
  EXPECT_EQ(block.text.substr(block.spans[1].begin, block.spans[1].end - block.spans[1].begin), "mat");
  expect_box(block.spans[1].boxes.at(0), 30, 30, 60, 60);

  const Layout begins = parse_layout(tag("The dog", "[[1, 1, 20, 20]]") + " sleeps.", 999, 999);
  EXPECT_THAT(texts(begins), ElementsAre("The dog sleeps."));
  EXPECT_EQ(begins.blocks[0].spans.at(0).end, 7u);
  const Layout cell = parse_layout(
      tag("table", "[[1, 2, 30, 40]]") + "\n<table><tr><td>" + tag("12", "[[1, 1, 20, 20]]") + "</td></tr></table>",
      999, 999);
  EXPECT_THAT(texts(cell), ElementsAre("<table><tr><td>12</td></tr></table>"));
  // A label of a layout begins a block wherever it stands.
  EXPECT_THAT(texts(parse_layout("Text." + tag("title", "[[1, 2, 30, 40]]") + "\nMore", 999, 999)),
              ElementsAre("Text.", "More"));
}

TEST(Layout, KeepsATableTogetherWhenATagStandsInACell) {
  const std::string box = "[[1, 2, 30, 40]]";
  const Layout layout = parse_layout(tag("table", box) + "\n<table><tr><td>a" + tag("text", box) +
                                         "b</td></tr></table>\n" + tag("text", box) + "\nBehind",
                                     999, 999);
  EXPECT_THAT(texts(layout), ElementsAre("<table><tr><td>ab</td></tr></table>", "Behind"));
  // A table that is never closed ends where a line begins with a tag.
  EXPECT_THAT(texts(parse_layout(tag("table", box) + "\n<table><tr><td>a\n" + tag("text", box) + "\nBehind", 999, 999)),
              ElementsAre("<table><tr><td>a", "Behind"));
}

TEST(Layout, MakesValidUtf8) {
  const Layout layout = parse_layout(tag("te\xFFxt", "[[1, 2, 30, 40]]") + "a\xC3\x28 b\xE2\x82", 999, 999);
  EXPECT_THAT(labels(layout), ElementsAre("te\uFFFDxt"));
  EXPECT_THAT(texts(layout), ElementsAre("a\uFFFD( b\uFFFD"));
}

std::string letters(const std::string& text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](unsigned char c) { return std::isalpha(c) != 0; });
  return out;
}

// Mutations of real pages: markers and pieces of them are put in, spans are cut, doubled and moved.
std::string mutate(std::string raw, std::mt19937& random) {
  static const std::vector<std::string> pieces = {"<|ref|>", "<|/ref|>",        "<|det|>",  "<|/det|>",  "<|",
                                                  "|>",      "[[1, 2",          "]]",       "-7",        "<table>",
                                                  "\n",      "<|/ref|><|det|>", "</table>", "some words"};
  const auto below = [&](size_t count) { return std::uniform_int_distribution<size_t>(0, count)(random); };
  for (size_t change = below(6); change-- > 0;) {
    const size_t at = below(raw.size());
    const size_t length = below(std::min<size_t>(raw.size() - at, 60));
    switch (below(4)) {
      case 0: raw.erase(at, length); break;
      case 1: raw.insert(at, raw.substr(at, length)); break;
      case 2: raw.insert(below(raw.size()), raw.substr(at, length)); break;
      case 3: raw.resize(at + length); break;
      default: raw.insert(at, pieces[below(pieces.size() - 1)]);
    }
  }
  return raw;
}

// Every letter of the input, the markers and the labels of tags within cells aside, is in a label or a text, in order.
TEST(Layout, NeverLosesText) {
  const std::regex whole_tag(R"(<\|ref\|>[^<]*<\|/ref\|>\s*<\|det\|>[\[\]0-9,. -]*<\|/det\|>)");
  const std::regex marker(R"(<\|[^|<>\s]{1,64}\|>)");
  std::mt19937 random(1);
  for (int round = 0; round < 6000; ++round) {
    const std::string raw = mutate(round % 2 == 0 ? testing::paper_page : testing::report_page, random);
    const Layout layout = parse_layout(raw, 1000, 1000);
    std::string text_and_labels;
    for (const Block& block : layout.blocks) {
      text_and_labels += block.label + block.text;
      ASSERT_EQ(block.boxes.size(), block.raw_boxes.size());
      for (const Box& box : block.boxes) {
        ASSERT_TRUE(0 <= box.left && box.left < box.right && box.right <= 1000) << raw;
        ASSERT_TRUE(0 <= box.top && box.top < box.bottom && box.bottom <= 1000) << raw;
      }
    }
    // All that stands outside of well-formed tags is there, in order. Words that a malformed tag had for its label
    // may be labels.
    const std::string outside = letters(std::regex_replace(std::regex_replace(raw, whole_tag, ""), marker, ""));
    const std::string found = letters(text_and_labels);
    size_t at = 0;
    for (const char c : found) at += at < outside.size() && c == outside[at] ? 1 : 0;
    ASSERT_EQ(at, outside.size()) << "lost from '" << outside.substr(at) << "' on in:\n" << raw;
  }
}

TEST(Layout, TakesTimeInProportionToTheInput) {
  // Any search that began again for every piece would take hours.
  const size_t size = testing::sanitized ? 1'000'000 : 10'000'000;
  for (const std::string piece : {"<|ref|>", "<|det|>[[", "<", "<|ref|>a<|/ref|>", "[[1,2,3,4]]", "<table>", " \n",
                                  "<|det|> [[1, 2, 3, 4]] <|/det|>", "<table><|ref|>"}) {
    std::string raw = tag("text", "[[1, 2, 3, 4]]") + std::string(size / 10, ' ');
    while (raw.size() < size) raw += piece;
    EXPECT_FALSE(parse_layout(raw, 100, 100).blocks.empty());
  }
  EXPECT_THAT(parse_layout(tag("text", std::string(size, '[')) + "x", 100, 100).blocks, SizeIs(1));
  EXPECT_THAT(parse_layout(tag("text", std::string(size, ' ') + "[[1, 2, 3, 4]]") + "x", 100, 100).blocks, SizeIs(1));
  EXPECT_THAT(parse_layout(tag("text", "[" + std::string(size, '9') + "]") + "x", 100, 100).blocks, SizeIs(1));
}

TEST(Layout, BlocksAreAsSureAsTheirWords) {
  const std::string raw = tag("title", "[[0, 0, 9, 9]]") + "\n# ab cd\n\n" + tag("text", "[[0, 9, 9, 19]]") + "\nef";
  std::vector<float> scores(raw.size());
  scores[2] = -9;  // tags count for nothing
  scores[raw.rfind("cd")] = std::log(0.1F);
  scores[raw.rfind("ef")] = std::log(0.5F);
  const Layout layout = parse_layout(raw, 100, 100, scores);
  ASSERT_THAT(layout.blocks, SizeIs(2));
  EXPECT_NEAR(*layout.blocks[0].confidence, (1 + 1 + 0.1) / 3, 1e-6) << "the mark of a title is a word, too";
  EXPECT_NEAR(*layout.blocks[1].confidence, 0.5, 1e-6);
  EXPECT_FALSE(parse_layout(raw, 100, 100).blocks[0].confidence);
}

TEST(Layout, LabelsThatBecomeTextBringTheirConfidence) {
  const std::string raw = tag("Total amount", "[[0, 0, 9, 9]]");
  std::vector<float> scores(raw.size());
  scores[raw.find("amount")] = std::log(0.5F);
  EXPECT_NEAR(*parse_layout(raw, 100, 100, scores).blocks[0].confidence, 0.75, 1e-6);
}

TEST(Layout, APageGetsItsConfidenceFromItsTokens) {
  Page page;
  page.width = page.height = 100;
  page.raw = "one two";
  page.token_logprobs = {std::log(0.5F), 0};
  page.token_ends = {3, 7};
  lay_out(page);
  EXPECT_NEAR(*page.blocks.at(0).confidence, 0.75, 1e-6);
}

}  // namespace
}  // namespace lectern
