#include "lines/segmentation/check_boxes.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

constexpr int letter_height = 12;

struct Drawing {
  Drawing() {
    mask.width = mask.height = 60;
    mask.ink.assign(60 * 60, 0);
  }
  void fill(int left, int top, int right, int bottom) {
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) mask.row(y)[x] = 1;
    }
  }
  void frame(int left, int top, int side) {
    fill(left, top, left + side, top + 2);
    fill(left, top + side - 2, left + side, top + side);
    fill(left, top, left + 2, top + side);
    fill(left + side - 2, top, left + side, top + side);
  }
  void stroke(int x, int y, int length, int slope) {
    for (int i = 0; i < length; ++i) fill(x + i, y + i * slope, x + i + 2, y + i * slope + 1);
  }
  std::vector<CheckBox> found() const { return find_check_boxes(mask, ink_pieces(mask, true), letter_height); }

  InkMask mask;
};

TEST(CheckBoxes, AreEmptySquares) {
  Drawing drawing;
  drawing.frame(20, 20, 20);
  drawing.fill(19, 37, 20, 40);  // a blurred rim
  const std::vector<CheckBox> boxes = drawing.found();
  ASSERT_EQ(boxes.size(), 1u);
  EXPECT_EQ(boxes[0].box.left, 20);
  EXPECT_EQ(boxes[0].box.right, 40);
  EXPECT_EQ(boxes[0].box.bottom, 40);
  EXPECT_FALSE(boxes[0].ticked);
}

TEST(CheckBoxes, AreTickedByACrossOrAHookThatSticksOut) {
  Drawing crossed;
  crossed.frame(20, 20, 20);
  crossed.stroke(21, 21, 18, 1);
  crossed.stroke(21, 38, 18, -1);
  ASSERT_EQ(crossed.found().size(), 1u);
  EXPECT_TRUE(crossed.found()[0].ticked);

  Drawing hooked;
  hooked.frame(20, 20, 20);
  hooked.stroke(24, 29, 7, 1);
  hooked.stroke(30, 35, 18, -1);
  const std::vector<CheckBox> boxes = hooked.found();
  ASSERT_EQ(boxes.size(), 1u);
  EXPECT_TRUE(boxes[0].ticked);
  EXPECT_EQ(boxes[0].box.right, 40);
  EXPECT_EQ(boxes[0].box.top, 20);
}

TEST(CheckBoxes, AreNoLettersNorBlots) {
  Drawing solid;
  solid.fill(20, 20, 40, 40);
  EXPECT_TRUE(solid.found().empty());

  Drawing open;  // a U
  open.frame(20, 20, 20);
  for (int y = 20; y < 22; ++y) {
    for (int x = 23; x < 37; ++x) open.mask.row(y)[x] = 0;
  }
  EXPECT_TRUE(open.found().empty());

  Drawing round;  // an O of straight strokes with round corners
  round.fill(26, 20, 34, 22), round.fill(26, 38, 34, 40), round.fill(20, 26, 22, 34), round.fill(38, 26, 40, 34);
  round.stroke(21, 25, 6, -1), round.stroke(33, 20, 6, 1), round.stroke(21, 34, 6, 1), round.stroke(33, 39, 6, -1);
  EXPECT_TRUE(round.found().empty());

  Drawing small;  // an o, in pixels as large as its rounding
  small.fill(22, 20, 30, 22), small.fill(22, 30, 30, 32), small.fill(20, 22, 22, 30), small.fill(30, 22, 32, 30);
  small.fill(21, 21, 23, 23), small.fill(29, 21, 31, 23), small.fill(21, 29, 23, 31), small.fill(29, 29, 31, 31);
  EXPECT_TRUE(small.found().empty());

  Drawing in_a_word;
  in_a_word.frame(20, 20, 20);
  in_a_word.fill(41, 20, 43, 40);
  EXPECT_TRUE(in_a_word.found().empty());

  Drawing narrow;  // a nought
  narrow.fill(20, 20, 32, 22), narrow.fill(20, 38, 32, 40), narrow.fill(20, 20, 22, 40), narrow.fill(30, 20, 32, 40);
  EXPECT_TRUE(narrow.found().empty());

  Drawing large;
  large.frame(5, 5, 45);
  EXPECT_TRUE(large.found().empty());
}

TEST(CheckBoxes, BecomeWordsOfTheirLines) {
  TextLine line;
  line.box = {10, 100, 200, 120};
  line.words = {{10, 100, 80, 120}, {90, 100, 110, 120}, {120, 100, 200, 120}};
  TextBlock block;
  block.lines = {line};
  mark_check_boxes(std::vector<CheckBox>{{{90, 100, 110, 120}, true}, {{30, 100, 50, 120}, false}}, {&block, 1});
  const TextLine& marked = block.lines[0];
  ASSERT_EQ(marked.words.size(), 5u);
  EXPECT_EQ(marked.words[0].right, 29);
  EXPECT_EQ(marked.words[2].left, 51);
  ASSERT_EQ(marked.checks.size(), 2u);
  EXPECT_EQ(marked.checks[0].word, 3u);
  EXPECT_TRUE(marked.checks[0].ticked);
  EXPECT_EQ(marked.checks[1].word, 1u);
  EXPECT_FALSE(marked.checks[1].ticked);
}

}  // namespace
}  // namespace lectern
