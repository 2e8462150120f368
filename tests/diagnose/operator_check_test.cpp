#include "diagnose/operator_check.h"

#include <gmock/gmock.h>

#include "device/device_failure.h"
#include "support/least_device.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::LeastDevice;
using ::testing::Not;

std::vector<std::string> failed(const std::vector<OperatorCheck>& checks) {
  std::vector<std::string> names;
  for (const OperatorCheck& check : checks) {
    if (!check.passed()) names.push_back(check.name);
  }
  return names;
}

TEST(OperatorCheck, TheCpuPassesForEveryType) {
  const auto replaced = make_cpu_device(parse_operators("all"));
  for (const DataType type : inner_types) {
    SCOPED_TRACE(name_of(type));
    EXPECT_THAT(failed(check_operators(cpu_device(), type, *replaced)), ::testing::IsEmpty());
    EXPECT_THAT(failed(check_operators(*replaced, type, cpu_device())), ::testing::IsEmpty());
  }
}

TEST(OperatorCheck, TheLeastDevicePasses) {
  LeastDevice device;
  EXPECT_THAT(failed(check_operators(device, DataType::f32, cpu_device())), ::testing::IsEmpty());
}

// write_kv is checked with paged_attention; everything else by its own name.
TEST(OperatorCheck, KnowsEveryOperator) {
  const std::vector<OperatorCheck> checks = check_operators(cpu_device(), DataType::f32, cpu_device());
  for (const Operator which : all_operators()) {
    const bool known = std::ranges::any_of(
        checks, [&](const OperatorCheck& check) { return check.name.find(name_of(which)) != std::string::npos; });
    EXPECT_TRUE(known) << name_of(which);
  }
}

TEST(OperatorCheck, FindsAWrongOperatorAndAllThatIsMadeOfIt) {
  LeastDevice device([](Operators& own) {
    own.exp = [](Device& self, const UnaryArgs& args) { self.add({.a = args.in, .number = 1, .out = args.out}); };
  });
  EXPECT_THAT(failed(check_operators(device, DataType::f32, cpu_device())),
              AllOf(Contains("exp"), Contains("softmax"), Contains("activate"), Contains("attention, windows"),
                    Not(Contains("rope")), Not(Contains("layer_norm"))));
}

TEST(OperatorCheck, ReportsWhatFailsOrIsAbsent) {
  LeastDevice device([](Operators& own) {
    own.sqrt = [](Device&, const UnaryArgs&) { throw Error("sqrt: no kernel found"); };
    own.batched_matmul = nullptr;
  });
  for (const OperatorCheck& check : check_operators(device, DataType::f32, cpu_device())) {
    if (check.name == "sqrt" || check.name == "rms_norm") {
      EXPECT_EQ(check.failure, "sqrt: no kernel found");
    }
    if (check.name == "batched_matmul" || check.name == "attention, plain") {
      EXPECT_EQ(check.how, "absent");
    }
  }
}

TEST(OperatorCheck, PassesOnThatADeviceIsLost) {
  LeastDevice device(
      [](Operators& own) { own.add = [](Device&, const BinaryArgs&) { throw DeviceFailure("least: lost"); }; });
  EXPECT_THROW(check_operators(device, DataType::f32, cpu_device()), DeviceFailure);
}

}  // namespace
}  // namespace lectern
