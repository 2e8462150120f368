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

TEST(StepBatch, SaysWhatRowsBeginAndEndWith) {
  testing::LeastDevice device;
  const std::vector<SequenceRows> rows = {{0, 2, 0, {}}, {2, 4, 9, {}}};
  const std::vector<int32_t> ids = {5, 6, 7, 7, 7, 8};
  const std::vector<int32_t> pictures = {-1, -1, 3, 4, 0, -1};
  const std::vector<int64_t> wanted = {1, 5};
  const std::vector<std::vector<int32_t>> banned = {{4, 2, 4}, {100, 9, -1}};
  const StepBatch step(
      device, rows, 0,
      {.ids = ids, .picture_rows = pictures, .logit_rows = wanted, .banned = banned, .vocabulary = 100});
  EXPECT_EQ(indices_to_host(device, step.ids()), ids);
  EXPECT_EQ(indices_to_host(device, step.picture_rows()), pictures);
  EXPECT_THAT(indices_to_host(device, step.logit_rows()), ElementsAre(1, 5));
  EXPECT_FALSE(step.all_logit_rows());
  EXPECT_THAT(indices_to_host(device, step.banned()), ElementsAre(2, 4, 109));
  EXPECT_THAT(step.banned_on_host(), ElementsAre(2, 4, 109));
  ASSERT_EQ(step.picture_runs().size(), 2u);
  EXPECT_EQ(step.picture_runs()[0].row, 2);
  EXPECT_EQ(step.picture_runs()[0].picture_row, 3);
  EXPECT_EQ(step.picture_runs()[0].count, 2);
  EXPECT_EQ(step.picture_runs()[1].row, 4);
  EXPECT_EQ(step.picture_runs()[1].picture_row, 0);

  const std::vector<int64_t> every = {0, 1, 2, 3, 4, 5};
  const StepBatch all(device, rows, 0, {.ids = ids, .logit_rows = every});
  EXPECT_TRUE(all.all_logit_rows());
  EXPECT_FALSE(all.banned());
  EXPECT_TRUE(all.picture_runs().empty());
  EXPECT_THAT(indices_to_host(device, all.picture_rows()), ElementsAre(-1, -1, -1, -1, -1, -1));
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
  const auto fill = [&](const MutableTensorView& to) {
    ++made;
    device.upload(&made, to);
  };
  const Tensor& one = step.once("one", DataType::i32, {1}, fill);
  EXPECT_EQ(&step.once("one", DataType::i32, {1}, fill), &one);
  EXPECT_THAT(indices_to_host(device, step.once("two", DataType::i32, {1}, fill)), ElementsAre(2));
  EXPECT_EQ(step.operands().size(), 4u);
}

TEST(StepBatch, StaysWhereTheLastOneWas) {
  testing::LeastDevice device;
  StepMemory memory;
  std::vector<TensorView> places;
  for (const int64_t position : {100, 101}) {
    const std::vector<int32_t> pages = {3, 4};
    const std::vector<SequenceRows> rows = {{0, 1, position, pages}};
    const StepBatch step(device, rows, 64, {}, &memory);
    step.once("position", DataType::i32, {1}, [&](const MutableTensorView& to) {
      const auto value = static_cast<int32_t>(position);
      device.upload(&value, to);
    });
    const std::vector<TensorView> operands = step.operands();
    ASSERT_EQ(operands.size(), 3u);
    EXPECT_THAT(indices_to_host(device, operands[0]), ElementsAre(position));
    EXPECT_THAT(indices_to_host(device, operands[1]), ElementsAre(4 * 64 + position % 64));
    EXPECT_THAT(indices_to_host(device, operands[2]), ElementsAre(position));
    EXPECT_THAT(indices_to_host(device, step.page_table()), ElementsAre(3, 4, 0, 0, 0, 0, 0, 0));
    for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(operands[i].data, places[i].data);
    places = operands;
  }
  // Where it needs more room it moves.
  const std::vector<SequenceRows> many(40, {0, 1, 0, {}});
  std::vector<SequenceRows> rows = many;
  for (size_t i = 0; i < rows.size(); ++i) rows[i].first_row = static_cast<int64_t>(i);
  const StepBatch step(device, rows, 0, {}, &memory);
  EXPECT_THAT(indices_to_host(device, step.positions()), ::testing::Each(0));
}

}  // namespace
}  // namespace lectern
