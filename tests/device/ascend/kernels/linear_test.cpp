#include <gtest/gtest.h>

#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using testing::FakeCard;
using testing::half_tolerance;
using testing::Random;
using testing::relative_error;
using testing::rounded;
using testing::view_of;

class AscendLinear : public ::testing::TestWithParam<DataType> {};

// Weights [out, in] of both devices, of the same values.
struct Weight {
  Weight(FakeCard& card, Random& random, int64_t out, int64_t in)
      : values(rounded(random.values(out * in), card.half())),
        on_cpu(cpu_device().matrix(view_of(values, {out, in}), WeightFormat::f32)),
        on_card(card.device().matrix(view_of(values, {out, in}), WeightFormat::bf16)) {}
  std::vector<float> values;
  Matrix on_cpu, on_card;
};

TEST_P(AscendLinear, IsTheCpus) {
  Random random(1);
  FakeCard card(GetParam());
  for (const Activation activation : {Activation::none, Activation::gelu, Activation::quick_gelu, Activation::silu}) {
    for (const bool biased : {false, true}) {
      for (const bool residual : {false, true}) {
        const int64_t rows = random.between(1, 20);
        const int64_t in = random.between(1, 70);
        const int64_t out = random.between(1, 70);
        const Weight weight(card, random, out, in);
        const std::vector<float> x = rounded(random.values(rows * in), card.half());
        const std::vector<float> bias = random.values(biased ? out : 0);
        const std::vector<float> before = random.values(residual ? rows * out : 0);
        std::vector<float> expected(static_cast<size_t>(rows * out));
        LinearArgs args = {.in = view_of(x, {rows, in}),
                           .weight = weight.on_cpu,
                           .activation = activation,
                           .out = view_of(expected, {rows, out})};
        if (biased) args.bias = view_of(bias, {out});
        if (residual) args.residual = view_of(before, {rows, out});
        cpu_device().linear(args);

        const Tensor card_x = card.put(x, {rows, in}, card.half());
        const Tensor card_bias = biased ? card.put(bias, {out}) : Tensor();
        const Tensor card_out =
            residual ? card.put(before, {rows, out}) : Tensor(card.device(), card.half(), {rows, out});
        LinearArgs card_args = {.in = card_x, .weight = weight.on_card, .activation = activation, .out = card_out};
        if (biased) card_args.bias = card_bias;
        if (residual) card_args.residual = card_out;
        card.device().linear(card_args);
        EXPECT_LT(relative_error(card.get(card_out), expected), half_tolerance(card.half()))
            << static_cast<int>(activation) << biased << residual;
      }
    }
  }
}

// A value that f16 cannot hold passes a product of f32, and so does a sum that f16 cannot hold.
TEST_P(AscendLinear, LargeValuesDoNotOverflow) {
  FakeCard card(GetParam());
  const std::vector<float> values = {1, 0.5f};
  const Matrix weight = card.device().matrix(view_of(values, {1, 2}), WeightFormat::bf16);
  const Tensor x = card.put({2e5f, 1e5f}, {1, 2});
  const Tensor out = card.put({1e5f}, {1, 1});
  card.device().linear({.in = x, .weight = weight, .residual = out, .out = out});
  EXPECT_NEAR(card.get(out)[0], 3.5e5f, 3.5e5f * half_tolerance(GetParam()));
  if (GetParam() == DataType::bf16) return;
  const std::vector<float> many(64, 2048.0f);
  const Matrix heavy = card.device().matrix(view_of(many, {1, 64}), WeightFormat::bf16);
  const Tensor half_x = card.put(std::vector<float>(64, 1.0f), {1, 64}, GetParam());
  const Tensor sum = card.put({0}, {1, 1});
  card.device().linear({.in = half_x, .weight = heavy, .residual = sum, .out = sum});
  EXPECT_EQ(card.get(sum)[0], 131072.0f);
}

INSTANTIATE_TEST_SUITE_P(Types, AscendLinear, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
