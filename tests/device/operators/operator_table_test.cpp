#include "device/operators/operator_table.h"

#include <gmock/gmock.h>

#include "device/cpu/cpu_device.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::array f32 = {DataType::f32};

std::string message_of(std::string_view names) {
  try {
    parse_operators(names);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(OperatorTable, NamesAreParsed) {
  EXPECT_TRUE(parse_operators("").none());
  EXPECT_EQ(parse_operators("conv2d,scatter_rows").count(), 2u);
  EXPECT_EQ(parse_operators("cann-8.3.rc1-pytorch"), parse_operators("conv2d,masked_scatter"));
  EXPECT_EQ(parse_operators("all,gemm"), parse_operators("all") | parse_operators("gemm"));
  EXPECT_THAT(message_of("conv2d,conv3d"), HasSubstr("there is no operator 'conv3d'; choose from all, cann"));
  EXPECT_THAT(message_of("conv2d,,exp"), HasSubstr("there is no operator ''"));
}

TEST(OperatorTable, AllIsWhatCanBeReplaced) {
  const OperatorSet all = parse_operators("all");
  EXPECT_EQ(all, replaceable_operators());
  for (const Operator which : {Operator::linear, Operator::conv2d, Operator::attention, Operator::normalize_pixels})
    EXPECT_TRUE(all.test(static_cast<size_t>(which))) << name_of(which);
  EXPECT_EQ(operator_count - all.count(), 11u) << "as docs/devices.md says";
}

// Every replacement is made of all it says: with all of that and nothing else it stands.
TEST(OperatorTable, ReplacementsStandOnTheirParts) {
  const auto device = make_cpu_device(parse_operators("all"));
  for (const Operator which : all_operators()) {
    for (const DataType type : all_compute_types)
      EXPECT_FALSE(device->operators().is_absent(which, type)) << name_of(which) << " " << name_of(type);
  }
}

TEST(OperatorTable, KeepsWhatTheDeviceHas) {
  const OperatorTable table({.linear = [](Device&, const LinearArgs&) {}, .im2col = [](Device&, const Im2colArgs&) {}},
                            {}, {});
  EXPECT_EQ(table.describe(Operator::linear, DataType::f32), "native");
  EXPECT_EQ(table.describe(Operator::conv2d, DataType::f32), "im2col + linear");
  EXPECT_EQ(table.describe(Operator::softmax, DataType::f32), "absent");
  EXPECT_THROW(table.functions(DataType::f32).softmax(cpu_device(), {}), Error);
  EXPECT_NE(table.functions(DataType::bf16).conv2d, nullptr);
}

// multiply of narrower values is made of that of f32, which nothing replaces.
TEST(OperatorTable, MultipliesNarrowValuesInF32) {
  const OperatorTable& table = cpu_device().operators();
  EXPECT_EQ(table.describe(Operator::multiply, DataType::f32), "native");
  EXPECT_EQ(table.describe(Operator::multiply, DataType::bf16), "copy + multiply in f32");
  const auto without = make_cpu_device(parse_operators("multiply"));
  constexpr std::array bf16 = {DataType::bf16};
  for (const DataType type : all_compute_types) EXPECT_TRUE(without->operators().is_absent(Operator::multiply, type));
  EXPECT_THAT(without->operators().missing(bf16), ElementsAre(Operator::multiply));
}

// An operator for one type only is replaced for the others.
TEST(OperatorTable, IsMadeForEveryType) {
  const auto f16_attention = [](Operator which, DataType type) {
    return which == Operator::attention ? type == DataType::f16 : true;
  };
  Operators native;
  native.attention = [](Device&, const AttentionArgs&) {};
  native.copy = [](Device&, const CopyArgs&) {};
  native.exp = native.sqrt = [](Device&, const UnaryArgs&) {};
  native.add = native.multiply = native.divide = native.maximum = [](Device&, const BinaryArgs&) {};
  native.batched_matmul = [](Device&, const BatchedMatmulArgs&) {};
  native.reduce_sum = native.reduce_max = [](Device&, const ReduceArgs&) {};
  const OperatorTable table(native, f16_attention, {});
  EXPECT_EQ(table.describe(Operator::attention, DataType::f16), "native");
  EXPECT_THAT(table.describe(Operator::attention, DataType::f32), HasSubstr("batched_matmul"));
  EXPECT_THAT(table.describe(Operator::attention, DataType::bf16), HasSubstr("batched_matmul"));
}

TEST(OperatorTable, NamesAllThatIsMissing) {
  const OperatorTable nothing({}, {}, {});
  const std::vector<Operator> missing = nothing.missing(f32);
  EXPECT_EQ(missing.size(), 11u);
  EXPECT_THAT(nothing.lowered(f32),
              UnorderedElementsAre(Operator::argmax, Operator::normalize_pixels, Operator::top_k, Operator::sort))
      << "the host computes them";
  const auto device = make_cpu_device(parse_operators("linear,gemm,attention,batched_matmul"));
  EXPECT_THAT(device->operators().missing(f32), UnorderedElementsAre(Operator::gemm, Operator::batched_matmul));
  try {
    device->require_model_operators(WeightFormat::f32);
    FAIL() << "a device without products was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("cpu: cannot run a model: it lacks gemm, batched_matmul, which nothing can replace"));
  }
  EXPECT_NO_THROW(make_cpu_device(parse_operators("gemm"))->require_model_operators(WeightFormat::f32))
      << "nothing needs it where linear is native";
}

TEST(OperatorTable, SaysWhatIsReplacedWhenAModelRuns) {
  EXPECT_THAT(cpu_device().lowered(WeightFormat::f32), ElementsAre("conv2d"));
  EXPECT_THAT(make_cpu_device(parse_operators("rope,subtract,sort"))->lowered(WeightFormat::f32),
              ElementsAre("conv2d", "project_qkv", "rope", "subtract"))
      << "sort is not reached";
  EXPECT_THAT(make_cpu_device(parse_operators("gated_linear"))->lowered(WeightFormat::f32),
              ElementsAre("gated_linear", "conv2d", "mixture_of_experts"));
}

}  // namespace
}  // namespace lectern
