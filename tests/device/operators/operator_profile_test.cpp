#include "device/operators/operator_profile.h"

#include <gmock/gmock.h>

#include <thread>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "support/values.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const OperatorProfile::Row* row_of(const std::vector<OperatorProfile::Row>& rows, Operator which) {
  const auto found = std::ranges::find(rows, which, &OperatorProfile::Row::which);
  return found == rows.end() ? nullptr : &*found;
}

TEST(OperatorProfile, CountsCallsTimeAndWork) {
  const auto device = make_cpu_device({});
  OperatorProfile profile;
  const Tensor x = from_host(*device, std::vector<float>(64 * 64, 1), {64, 64});
  const Tensor out(*device, DataType::f32, {64, 64});
  device->softmax({x, out});
  device->set_profile(&profile);
  for (int i = 0; i < 3; ++i) device->softmax({x, out});
  device->set_profile(nullptr);
  device->softmax({x, out});
  const std::vector<OperatorProfile::Row> rows = profile.rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].which, Operator::softmax);
  EXPECT_EQ(rows[0].calls, 3u);
  EXPECT_GT(rows[0].seconds, 0);
  EXPECT_EQ(rows[0].work.bytes, 3 * 2 * 4 * 64 * 64);
  EXPECT_THAT(profile.table(), HasSubstr("softmax"));
  EXPECT_THAT(profile.table(), HasSubstr("100.0%"));
  profile.clear();
  EXPECT_THAT(profile.rows(), IsEmpty());
}

// The work of a lowered operator is that of the operators that it calls, and so is their time.
TEST(OperatorProfile, CountsWhatIsLoweredOnce) {
  const auto device = make_cpu_device(parse_operators("softmax"));
  OperatorProfile profile;
  const Tensor x = from_host(*device, std::vector<float>(64 * 64, 1), {64, 64});
  const Tensor out(*device, DataType::f32, {64, 64});
  device->set_profile(&profile);
  device->softmax({x, out});
  device->set_profile(nullptr);
  const std::vector<OperatorProfile::Row> rows = profile.rows();
  ASSERT_NE(row_of(rows, Operator::softmax), nullptr);
  EXPECT_EQ(row_of(rows, Operator::softmax)->work.bytes, 0);
  for (const Operator part : device->operators().lowering(Operator::softmax, DataType::f32)->made_of) {
    ASSERT_NE(row_of(rows, part), nullptr) << name_of(part);
    EXPECT_EQ(row_of(rows, part)->calls, 1u) << name_of(part);
    EXPECT_GT(row_of(rows, part)->work.bytes, 0) << name_of(part);
  }
}

TEST(OperatorProfile, TakesCallsOfSeveralThreads) {
  const auto device = make_cpu_device({});
  OperatorProfile profile;
  device->set_profile(&profile);
  {
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const Tensor x = from_host(*device, std::vector<float>(100, 1), {10, 10});
        for (int n = 0; n < 50; ++n) device->add({.a = x, .number = 1, .out = x});
      });
    }
  }
  device->set_profile(nullptr);
  ASSERT_EQ(profile.rows().size(), 1u);
  EXPECT_EQ(profile.rows()[0].calls, 200u);
}

}  // namespace
}  // namespace lectern
