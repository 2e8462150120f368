#include "device/registry.h"

#include <gmock/gmock.h>

#include "device/cpu/cpu_device.h"
#include "lectern/error.h"

namespace lectern {
namespace {

TEST(Registry, TheCpuIsFirst) {
  const std::vector<DeviceDescription> all = describe_devices();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].info.name, "cpu");
  EXPECT_THAT(all[0].info.software, ::testing::HasSubstr("oneDNN"));
  EXPECT_GT(all[0].memory.total, all[0].memory.free);
  EXPECT_GT(all[0].memory.free, 0u);
}

TEST(Registry, TellsOutsidersOfTheSameDevices) {
  const std::vector<DeviceDescription> all = describe_devices();
  const std::vector<DeviceSummary> told = devices();
  ASSERT_EQ(told.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(told[i].name, all[i].info.name);
    EXPECT_EQ(told[i].hardware, all[i].info.hardware);
    EXPECT_EQ(told[i].memory, static_cast<int64_t>(all[i].memory.total));
  }
}

TEST(Registry, OpensADeviceOnceForEveryListOfOperators) {
  EXPECT_EQ(&open_device("cpu"), &cpu_device());
  Device& without = open_device("cpu", "rope,conv2d");
  EXPECT_NE(&without, &cpu_device());
  EXPECT_EQ(&without, &open_device("cpu", "conv2d,rope"));
  EXPECT_NE(without.operators().lowering(Operator::rope, DataType::f32), nullptr);
}

TEST(Registry, RefusesOtherNames) {
  for (const char* name : {"", "gpu", "cpu:0", "cpu:x"}) {
    try {
      open_device(name);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(),
                  ::testing::HasSubstr("there is no device '" + std::string(name) + "'; choose from cpu"));
    }
  }
}

TEST(Registry, RefusesOptionsByName) {
  try {
    open_device("cpu:type=f16");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("device 'cpu:type=f16': has no option 'type'; cpu takes none"));
  }
  EXPECT_EQ(describe_device("cpu:any=thing").info.name, "cpu");
}

}  // namespace
}  // namespace lectern
