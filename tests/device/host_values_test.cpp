#include "device/host_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/least_device.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HostValues, GoToADeviceAndComeBack) {
  testing::LeastDevice device;
  const std::vector<float> values = {1, -2.5f, 0, 3};
  const Tensor tensor = from_host(device, values, {2, 2});
  EXPECT_EQ(tensor.shape(), Shape({2, 2}));
  EXPECT_EQ(floats_to_host(device, tensor), values);
}

TEST(HostValues, IndicesAreIntegersOnTheDevice) {
  testing::LeastDevice device;
  const std::vector<int32_t> indices = {0, 7, (1 << 24) - 1, 3, (1 << 24) + 1};
  const Tensor tensor = from_host(device, indices);
  EXPECT_EQ(tensor.view().type, DataType::i32);
  EXPECT_EQ(indices_to_host(device, tensor), indices);
  EXPECT_THAT(floats_to_host(device, tensor), ElementsAre(0, 7, 16777215, 3, 16777216)) << "rounded to even";
  EXPECT_THAT(indices_to_host(device, from_host(device, std::vector<int32_t>())), IsEmpty());
}

TEST(HostValues, AreWidenedOnTheHost) {
  testing::LeastDevice device;
  const std::vector<uint16_t> halves = {f32_to_bf16(1.5f), f32_to_bf16(-3)};
  const TensorView view(reinterpret_cast<const std::byte*>(halves.data()), DataType::bf16, {2});
  EXPECT_THAT(floats_to_host(device, floats_from_host(device, view)), ElementsAre(1.5f, -3.0f));
}

TEST(HostValues, OnlyNarrowValuesAreCopiedToBeWide) {
  testing::LeastDevice device;
  const std::vector<float> values = {0.5f, -1, 2};
  const Tensor wide = from_host(device, values, {3});
  EXPECT_EQ(F32View(device, wide).view().data, wide.view().data);
  const Tensor narrow(device, DataType::bf16, {3});
  device.copy({wide, narrow});
  const F32View copy(device, narrow);
  EXPECT_EQ(copy.view().type, DataType::f32);
  EXPECT_EQ(floats_to_host(device, copy.view()), values);
}

}  // namespace
}  // namespace lectern
