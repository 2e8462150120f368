#include "diagnose/speed_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "device/cpu/cpu_device.h"
#include "device/device_failure.h"
#include "image/picture_file.h"
#include "support/least_device.h"

namespace lectern {
namespace {

using testing::LeastDevice;

const std::string folder = LECTERN_SHIPPED_MODEL;

TEST(SpeedCheck, CountsTheStepsInWhichAllWrite) {
  const LoadedModel model(folder, cpu_device(), WeightFormat::f32);
  const auto checks = check_speed(model, read_picture(folder + "/sample.png"), std::array{1, 3}, 5);
  ASSERT_EQ(checks.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(checks[i].sequences, i == 0 ? 1 : 3);
    EXPECT_EQ(checks[i].failure, "");
    EXPECT_GE(checks[i].steps, 2);
    EXPECT_GT(checks[i].seconds, 0);
    EXPECT_DOUBLE_EQ(checks[i].tokens_per_second(),
                     static_cast<double>(checks[i].sequences * checks[i].steps) / checks[i].seconds);
  }
}

TEST(SpeedCheck, ADeviceThatIsLostEndsIt) {
  LeastDevice device(
      [](Operators& own) { own.exp = [](Device&, const UnaryArgs&) { throw DeviceFailure("the card is gone"); }; });
  const LoadedModel model(folder, device, WeightFormat::f32);
  EXPECT_THROW(check_speed(model, read_picture(folder + "/sample.png"), std::array{1}, 2), DeviceFailure);
  EXPECT_EQ(SpeedCheck{}.tokens_per_second(), 0);
}

}  // namespace
}  // namespace lectern
