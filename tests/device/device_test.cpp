#include "device/device.h"

#include <gmock/gmock.h>

#include "support/least_device.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::LeastDevice;
using testing::view_of;

TEST(LeastDevice, HidesItsMemoryFromTheHost) {
  LeastDevice device;
  const std::vector<float> values = {1, 2, 3};
  const Tensor tensor = device.vector(view_of(values, {3}));
  std::vector<float> back(3);
  device.read(tensor, back.data());
  EXPECT_EQ(back, values);
  EXPECT_DEATH(
      {
        volatile float seen = *tensor.floats();
        (void)seen;
      },
      "");
}

TEST(LeastDevice, NoticesAViewBeyondItsMemory) {
  LeastDevice device;
  const Tensor small(device, DataType::f32, {4});
  const StridedView beyond(small, 1, {2, 2}, {2, 1});
  const Tensor out(device, DataType::f32, {2, 2});
  EXPECT_THROW(device.exp({beyond, out}), std::logic_error);
  EXPECT_NO_THROW(device.exp({StridedView(small, 0, {2, 2}, {2, 1}), out}));
}

TEST(LeastDevice, RunsModelsWithEveryOperatorOfTheirsReplaced) {
  LeastDevice device;
  EXPECT_NO_THROW(device.require_model_operators(WeightFormat::f32));
  const std::vector<std::string> lowered = device.lowered(WeightFormat::f32);
  for (const Operator which : all_operators()) {
    if (is_called_by_model(which) && replaceable_operators().test(static_cast<size_t>(which)))
      EXPECT_THAT(lowered, ::testing::Contains(std::string(name_of(which))));
    EXPECT_FALSE(device.operators().is_absent(which, DataType::f32)) << name_of(which);
  }
}

TEST(LeastDevice, GivesBackWhatTensorsHeld) {
  LeastDevice device;
  {
    const Tensor tensor(device, DataType::f32, {100});
    EXPECT_EQ(device.blocks(), 1u);
  }
  EXPECT_EQ(device.blocks(), 0u);
}

}  // namespace
}  // namespace lectern
