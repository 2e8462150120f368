// Products with weights from bare products, activations from exponentials, and products in groups from single ones.
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::rounding;
using testing::TypedValues;
using testing::view_of;

constexpr std::array activations = {Activation::none, Activation::gelu, Activation::quick_gelu, Activation::silu};

TEST(LoweredLinear, EqualsTheCpus) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const int64_t rows = random.between(1, 40);
    const int64_t in = random.between(1, 70);
    const int64_t out = random.between(1, 50);
    const TypedValues x(random, any_type(random), {rows, in});
    const RandomWeight weight(random, random.coin() ? DataType::bf16 : DataType::f32, out, in);
    const std::vector<float> bias = random.values(random.coin() ? out : 0);
    const std::vector<float> before = random.values(rows * out);
    const bool residual = random.coin();
    const DataType type = residual ? DataType::f32 : any_type(random);
    const Activation activation = activations[random.bits() % activations.size()];
    std::vector<float> expected = before;
    const auto apply = [&](Device& device, const TensorView& input, const MutableTensorView& result) {
      device.linear({.in = input,
                     .weight = weight.matrix,
                     .bias = view_of(bias, {out}),
                     .activation = activation,
                     .residual = residual ? TensorView(result) : TensorView(),
                     .out = result});
    };
    apply(cpu_device(), x.f32(), view_of(expected, {rows, out}));
    for_each_replacement(Operator::linear, [&](Device& device) {
      const Tensor result(cpu_device(), type, {rows, out});
      cpu_device().copy({view_of(before, {rows, out}), result});
      apply(device, x.tensor, result);
      EXPECT_LT(relative_error(floats_of(result), expected), rounding(type)) << rows << " x " << in << " x " << out;
    });
  }
}

TEST(LoweredLinear, OfQuantizedWeights) {
  Random random(2);
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const RandomWeight values(random, DataType::bf16, 30, 100);
    const Weight weight = cpu_device().make_weight({values.bytes.data(), DataType::bf16, {30, 100}}, format);
    const TypedValues x(random, DataType::f32, {5, 100});
    std::vector<float> expected(150);
    cpu_device().linear({.in = x.f32(), .weight = weight, .out = view_of(expected, {5, 30})});
    for_each_replacement(Operator::linear, [&](Device& device) {
      std::vector<float> result(150);
      device.linear({.in = x.f32(), .weight = weight, .out = view_of(result, {5, 30})});
      EXPECT_EQ(relative_error(result, expected), 0);
    });
  }
}

TEST(LoweredActivation, IsExactFarFromZeroToo) {
  Random random(3);
  std::vector<float> x = random.values(3000, 6);
  for (const float far : {0.0f, 1e-6f, -1e-6f, 11.0f, -11.0f, 90.0f, -90.0f, 1e4f, -1e4f}) x.push_back(far);
  for (const Activation activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
    for_each_replacement(Operator::activate, [&](Device& device) {
      std::vector<float> y = x;
      device.activate({activation, view_of(y, {static_cast<int64_t>(y.size())})});
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = testing::activated(activation, static_cast<double>(x[i]));
        ASSERT_NEAR(static_cast<double>(y[i]), expected, 5e-7 * std::max(1.0, std::abs(expected))) << x[i];
      }
    });
  }
}

TEST(LoweredGroupedLinear, EqualsTheCpus) {
  Random random(4);
  for (int round = 0; round < 20; ++round) {
    const int64_t rows = random.between(1, 30);
    const int64_t in = random.between(1, 40);
    const int64_t out = random.between(1, 40);
    std::vector<RandomWeight> weights;
    WeightStack stack;
    for (int e = 0; e < 6; ++e) {
      weights.emplace_back(random, DataType::bf16, out, in);
      stack.parts.push_back({});  // is not asked for
      stack.parts.push_back(weights.back().matrix);
    }
    std::vector<float> numbers;
    for (int64_t i = 0; i < rows; ++i) numbers.push_back(static_cast<float>(random.between(0, 5)));
    std::ranges::sort(numbers);
    const Tensor groups(cpu_device(), DataType::i32, {rows});
    cpu_device().copy({view_of(numbers, {rows}), groups});
    const TypedValues x(random, any_type(random), {rows, in});
    std::vector<float> expected(static_cast<size_t>(rows * out));
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t n = 0; n < out; ++n) {
        const double y =
            weights[static_cast<size_t>(numbers[static_cast<size_t>(row)])].times(n, x.wide.data() + row * in);
        expected[static_cast<size_t>(row * out + n)] = static_cast<float>(testing::activated(Activation::silu, y));
      }
    }
    const auto compare = [&](Device& device) {
      const Tensor result(cpu_device(), x.tensor.view().type, {rows, out});
      device.grouped_linear({x.tensor, groups, stack, 1, 2, Activation::silu, result});
      EXPECT_LT(relative_error(floats_of(result), expected), rounding(result.view().type));
    };
    compare(cpu_device());
    for_each_replacement(Operator::grouped_linear, compare);
  }
}

}  // namespace
}  // namespace lectern
