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
  for (const DataType type : all_compute_types) {
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

// A product whose rows are a little larger the more of them there are.
TEST(OperatorCheck, FindsRowsThatDependOnEachOther) {
  LeastDevice device([](Operators& own) {
    own.linear = [](Device& self, const LinearArgs& args) {
      const int64_t rows = args.in.shape.elements() / args.weight.in();
      const Tensor product(self, DataType::f32, args.out.shape);
      self.gemm({args.in.reshaped({rows, args.weight.in()}), args.weight,
                 product.view().reshaped({rows, args.weight.out()})});
      self.activate({args.activation, product});
      const float factor = 1 + 1e-6f * static_cast<float>(rows);
      self.multiply({.a = product, .number = factor, .out = product});
      args.residual ? self.add({.a = product, .b = args.residual, .out = args.out}) : self.copy({product, args.out});
    };
  });
  const std::vector<std::string> wrong = failed(check_operators(device, DataType::f32, cpu_device()));
  EXPECT_THAT(wrong, AllOf(Contains("linear, rows alone and among others"),
                           Contains("mixture_of_experts, rows alone and among others"),
                           Not(Contains("paged_attention, rows alone and among others"))));
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
