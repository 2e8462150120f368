#include "lines/word_places.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

namespace lectern {
namespace {

using Ends = std::pair<int, int>;

std::vector<PixelBox> boxes(const std::vector<Ends>& ends) {
  std::vector<PixelBox> all;
  for (const auto& [left, right] : ends) all.push_back({left, 10, right, 30});
  return all;
}

std::vector<Ends> ends_of(const std::vector<Ends>& measured, const std::vector<size_t>& letters) {
  std::vector<Ends> ends;
  for (const PixelBox& box : word_places(boxes(measured), letters)) {
    EXPECT_EQ(box.top, 10);
    EXPECT_EQ(box.bottom, 30);
    ends.emplace_back(box.left, box.right);
  }
  return ends;
}

TEST(WordPlaces, AreThoseMeasuredWhereThereAreAsMany) {
  EXPECT_EQ(ends_of({{0, 40}, {60, 70}}, {9, 1}), (std::vector<Ends>{{0, 40}, {60, 70}}));
}

// A gap within "WAVE" was taken for one between words.
TEST(WordPlaces, JoinBoxesOfOneWord) {
  EXPECT_EQ(ends_of({{0, 50}, {60, 80}, {84, 100}, {110, 170}}, {5, 4, 6}),
            (std::vector<Ends>{{0, 50}, {60, 100}, {110, 170}}));
}

TEST(WordPlaces, PartABoxOfSeveralWordsByTheirLetters) {
  EXPECT_EQ(ends_of({{0, 50}, {60, 120}, {130, 160}}, {5, 2, 3, 3}),
            (std::vector<Ends>{{0, 50}, {60, 80}, {90, 120}, {130, 160}}));
}

TEST(WordPlaces, FindBothInOneLine) {
  EXPECT_EQ(ends_of({{0, 20}, {24, 50}, {60, 150}, {160, 190}, {200, 230}}, {5, 4, 4, 3, 1, 1}),
            (std::vector<Ends>{{0, 50}, {60, 100}, {110, 150}, {160, 190}, {200, 210}, {220, 230}}));
}

TEST(WordPlaces, AreSpreadWhereThereAreFarTooMany) {
  EXPECT_EQ(ends_of({{0, 110}}, {1, 1, 1, 1, 1, 1}),
            (std::vector<Ends>{{0, 10}, {20, 30}, {40, 50}, {60, 70}, {80, 90}, {100, 110}}));
  EXPECT_EQ(ends_of({{0, 10}, {20, 30}, {40, 50}, {60, 70}, {80, 90}, {100, 110}}, {6}), (std::vector<Ends>{{0, 110}}));
  EXPECT_TRUE(ends_of({{0, 10}}, {}).empty());
}

}  // namespace
}  // namespace lectern
