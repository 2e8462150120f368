#include "device/device.h"

#include <gmock/gmock.h>

#include "device/device_failure.h"
#include "lectern/error.h"
#include "support/least_device.h"
#include "support/sanitized.h"
#include "support/values.h"
#include "support/weight_values.h"

namespace lectern {
namespace {

using testing::LeastDevice;
using testing::view_of;

TEST(LeastDevice, HidesItsMemoryFromTheHost) {
  LeastDevice device;
  const std::vector<float> values = {1, 2, 3};
  const Tensor tensor = from_host(device, values, {3});
  std::vector<float> back(3);
  device.download(tensor, back.data());
  EXPECT_EQ(back, values);
  EXPECT_DEATH(
      {
        volatile float seen = *tensor.floats();
        (void)seen;
      },
      "");
}

// Any type, in order with the operators; without waiting into memory that the device gave.
TEST(Device, CopiesEveryTypeToAndFro) {
  LeastDevice least;
  for (Device* device : {static_cast<Device*>(&least), &cpu_device()}) {
    const std::vector<int32_t> numbers = {7, -1, 1 << 30, (1 << 24) + 1};
    const Tensor on_device = from_host(*device, numbers);
    EXPECT_EQ(indices_to_host(*device, on_device), numbers);
    const std::vector<uint8_t> bytes = {1, 2, 3};
    const Tensor levels(*device, DataType::u8, {3});
    device->upload(bytes.data(), levels);
    HostBuffer buffer(*device, 64);
    device->download_later(levels, buffer.data());
    const std::unique_ptr<Event> event = device->record();
    event->wait();
    EXPECT_TRUE(event->passed());
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), buffer.as<uint8_t>().begin()));
    device->upload(nullptr, Tensor(*device, DataType::f32, {0}));
    device->synchronize();
  }
}

// What `lectern quantize` has written for the CPU other devices lay out in their own way, where they have the format.
TEST(Device, TakesPackedWeights) {
  testing::Random random(1);
  const std::vector<float> values = random.values(20 * 70);
  const Weight packed = cpu_device().make_weight(view_of(values, {20, 70}), WeightFormat::bf16);
  const TensorView bytes = *packed.storage;
  LeastDevice least;
  const Weight own = least.packed_weight(bytes, 20, 70, WeightFormat::bf16);
  EXPECT_EQ(floats_to_host(least, own.data),
            testing::floats_of(quantize(view_of(values, {20, 70}), WeightFormat::bf16)));
  EXPECT_EQ(cpu_device().packed_weight(bytes, 20, 70, WeightFormat::bf16).data.data, bytes.data) << "without a copy";
  const Weight q8 = cpu_device().make_weight(view_of(values, {20, 70}), WeightFormat::q8);
  for (const auto& [panels, format] :
       {std::pair(TensorView(*q8.storage), WeightFormat::q8), {bytes, WeightFormat::q8}, {bytes, WeightFormat::f32}}) {
    EXPECT_THROW(least.packed_weight(panels, 20, 70, format), Error);
  }
}

TEST(Device, LeavesStackedWeightsWhereTheyAre) {
  const std::vector<float> values(20 * 70, 1);
  const Weight one = cpu_device().make_weight(view_of(values, {20, 70}), WeightFormat::q8);
  const WeightStack stack = cpu_device().stack({one, one});
  EXPECT_EQ(stack.parts.size(), 2u);
  EXPECT_EQ(stack[1].data.data, one.data.data);
  EXPECT_FALSE(stack.together);
}

TEST(Device, SaysWhatItIs) {
  EXPECT_EQ(cpu_device().info().kind, "cpu");
  EXPECT_EQ(cpu_device().info().name, cpu_device().name());
  EXPECT_EQ(cpu_device().info().default_weights, WeightFormat::f32);
  EXPECT_GT(cpu_device().memory().total, cpu_device().memory().free);
  EXPECT_EQ(LeastDevice().memory().total, 0u);
  EXPECT_EQ(LeastDevice().measure_peaks(), nullptr);
}

TEST(Device, NoMemoryOfTheCpuIsAnErrorOfItsOwnKind) {
  if (testing::sanitized) GTEST_SKIP() << "the sanitizer ends a program that asks for so much";
  try {
    const Tensor tensor(cpu_device(), DataType::f32, {int64_t{1} << 60});
    FAIL();
  } catch (const DeviceFailure&) {
    FAIL() << "the device is not lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("cpu: no memory for 4398046511104 MiB"));
  }
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
    if (is_called_by_model(which) && replaceable_operators().test(static_cast<size_t>(which))) {
      EXPECT_THAT(lowered, ::testing::Contains(std::string(name_of(which))));
    }
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
