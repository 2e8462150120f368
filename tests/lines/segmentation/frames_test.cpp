#include "lines/segmentation/frames.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

void add_frame(int left, int top, int right, int bottom, Rules& rules) {
  rules.across.push_back({left, top, right, top + 2});
  rules.across.push_back({left, bottom - 2, right, bottom});
  rules.down.push_back({left, top, left + 2, bottom});
  rules.down.push_back({right - 2, top, right, bottom});
}

TEST(Frames, AreClosedByFourRules) {
  Rules rules;
  add_frame(50, 300, 250, 400, rules);
  add_frame(50, 100, 250, 200, rules);
  add_frame(280, 103, 480, 203, rules);
  const std::vector<PixelBox> frames = find_frames(rules, 12);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].top, 100);
  EXPECT_EQ(frames[0].bottom, 200);
  EXPECT_EQ(frames[1].left, 280);
  EXPECT_EQ(frames[2].top, 300);
}

TEST(Frames, AreNotMadeOfRulesThatDoNotMeet) {
  Rules rules;
  add_frame(50, 100, 250, 200, rules);
  rules.down.pop_back();
  EXPECT_TRUE(find_frames(rules, 12).empty());
  rules.down.push_back({248, 100, 250, 150});
  EXPECT_TRUE(find_frames(rules, 12).empty()) << "open below";
}

TEST(Frames, HoldSomeLines) {
  Rules rules;
  add_frame(50, 100, 250, 140, rules);  // a field of a form
  add_frame(300, 100, 350, 300, rules);
  EXPECT_TRUE(find_frames(rules, 12).empty());
  EXPECT_TRUE(find_frames(rules, 0).empty());
}

}  // namespace
}  // namespace lectern
