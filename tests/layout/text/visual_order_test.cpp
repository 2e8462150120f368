#include "layout/text/visual_order.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern {
namespace {

std::u32string visual(std::u32string_view line) {
  std::u32string out;
  for (const size_t i : visual_order(line).logical) out += line[i];
  return out;
}

TEST(VisualOrder, LeavesScriptsFromLeftToRight) {
  EXPECT_EQ(visual(U"Grüße, 漢字 12"), U"Grüße, 漢字 12");
  EXPECT_FALSE(visual_order(U"abc").right_to_left);
  EXPECT_TRUE(visual_order(U"").logical.empty());
}

TEST(VisualOrder, TurnsScriptsFromRightToLeft) {
  EXPECT_EQ(visual(U"שלום עולם"), U"םלוע םולש");
  EXPECT_TRUE(visual_order(U"שלום").right_to_left);
  EXPECT_EQ(visual(U"שנת 2024 abc"), U"abc 2024 תנש");
  const VisualOrder mixed = visual_order(U"a של b");
  EXPECT_FALSE(mixed.right_to_left);
  EXPECT_FALSE(mixed.reversed[0]);
  EXPECT_TRUE(mixed.reversed[2]);
}

}  // namespace
}  // namespace lectern
