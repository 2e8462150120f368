#include "job/picture_budget.h"

#include <gtest/gtest.h>

#include <thread>

namespace lectern {
namespace {

TEST(PictureBudget, CountsAPictureUntilItsLastHolderGoes) {
  PictureBudget budget(1000);
  auto first = budget.hold(Picture(10, 10));
  EXPECT_EQ(first->rgb.size(), 300u);
  auto second = budget.hold(Picture(20, 10));
  const auto again = second;
  EXPECT_EQ(budget.held(), 900u);
  first.reset();
  second.reset();
  EXPECT_EQ(budget.held(), 600u);
  EXPECT_EQ(budget.peak(), 900u);
}

TEST(PictureBudget, WaitsForRoomOrForTheStop) {
  PictureBudget budget(300);
  EXPECT_TRUE(budget.wait({}));
  auto picture = budget.hold(Picture(10, 10));
  std::stop_source stop;
  bool room = true;
  std::thread waiting([&] { room = budget.wait(stop.get_token()); });
  stop.request_stop();
  waiting.join();
  EXPECT_FALSE(room);
  std::thread releasing([&] { picture.reset(); });
  EXPECT_TRUE(budget.wait({}));
  releasing.join();
}

TEST(PictureBudget, MayGoBeforeItsPictures) {
  auto budget = std::make_unique<PictureBudget>(1);
  const auto picture = budget->hold(Picture(3, 3));
  budget.reset();
  EXPECT_EQ(picture->width, 3);
}

}  // namespace
}  // namespace lectern
