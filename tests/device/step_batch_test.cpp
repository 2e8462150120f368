#include "device/step_batch.h"

#include <gmock/gmock.h>

#include "device/host_values.h"
#include "support/least_device.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

TEST(StepBatch, SaysWhereRowsAre) {
  testing::LeastDevice device;
  const std::vector<int32_t> first = {7, 2}, second = {5};
  // A row between them is of neither.
  const std::vector<SequenceRows> rows = {{0, 3, 3, first}, {4, 1, 0, second}};
  const StepBatch step(device, rows, 4);
  EXPECT_EQ(step.rows(), 5);
  EXPECT_THAT(indices_to_host(device, step.positions()), ElementsAre(3, 4, 5, 0, 0));
  EXPECT_THAT(indices_to_host(device, step.slots()), ElementsAre(7 * 4 + 3, 2 * 4, 2 * 4 + 1, -1, 5 * 4));
  EXPECT_EQ(step.page_table().shape, Shape({2, 8}));
  EXPECT_THAT(indices_to_host(device, step.page_table()),
              ElementsAreArray({7, 2, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(StepBatch, KeepsItsOwnPages) {
  testing::LeastDevice device;
  std::vector<int32_t> pages = {3, 4};
  const std::vector<SequenceRows> rows = {{0, 1, 100, pages}};
  const StepBatch step(device, rows, 64);
  pages = {0, 0};
  EXPECT_THAT(step.sequences()[0].pages, ElementsAre(3, 4));
}

TEST(StepBatch, NeedsNoPagesWithoutACache) {
  testing::LeastDevice device;
  const std::vector<SequenceRows> rows = {{1, 2, 50, {}}};
  const StepBatch step(device, rows);
  EXPECT_THAT(indices_to_host(device, step.positions()), ElementsAre(0, 50, 51));
  EXPECT_EQ(step.slots().shape.elements(), 0);
}

TEST(StepBatch, MakesWhatADeviceDerivesOnce) {
  testing::LeastDevice device;
  const StepBatch step(device, {});
  int made = 0;
  const auto make = [&] {
    ++made;
    return from_host(device, std::vector<int32_t>{1});
  };
  const Tensor& one = step.once("one", make);
  EXPECT_EQ(&step.once("one", make), &one);
  step.once("two", make);
  EXPECT_EQ(made, 2);
}

}  // namespace
}  // namespace lectern
