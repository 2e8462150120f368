#include <gtest/gtest.h>

#include <cmath>
#include <optional>

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
struct WeightPair {
  WeightPair(FakeCard& card, Random& random, int64_t out, int64_t in)
      : values(rounded(random.values(out * in), card.half())),
        on_cpu(cpu_device().make_weight(view_of(values, {out, in}), WeightFormat::f32)),
        on_card(card.device().make_weight(view_of(values, {out, in}), WeightFormat::bf16)) {}
  std::vector<float> values;
  Weight on_cpu, on_card;
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
        const WeightPair weight(card, random, out, in);
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
  FakeCard card(GetParam(), [] { fake_cann_set_version("8.5.0"); });
  const std::vector<float> values = {1, 0.5f};
  const Weight weight = card.device().make_weight(view_of(values, {1, 2}), WeightFormat::bf16);
  const Tensor x = card.put({2e5f, 1e5f}, {1, 2});
  const Tensor out = card.put({1e5f}, {1, 1});
  card.device().linear({.in = x, .weight = weight, .residual = out, .out = out});
  EXPECT_NEAR(card.get(out)[0], 3.5e5f, 3.5e5f * half_tolerance(GetParam()));
  if (GetParam() == DataType::bf16) return;
  const std::vector<float> many(64, 2048.0f);
  const Weight heavy = card.device().make_weight(view_of(many, {1, 64}), WeightFormat::bf16);
  const Tensor half_x = card.put(std::vector<float>(64, 1.0f), {1, 64}, GetParam());
  const Tensor sum = card.put({0}, {1, 1});
  card.device().linear({.in = half_x, .weight = heavy, .residual = sum, .out = sum});
  EXPECT_EQ(card.get(sum)[0], 131072.0f);
}

// Before 8.5 products of f16 are f16: what is too large is an infinity, which the residual stream keeps and the next
// norm makes no number of. A text that comes of it is refused, not wrong.
TEST(AscendF16, OverflowIsSeen) {
  for (const char* version : {"8.1.RC1", "8.3.RC1"}) {
    FakeCard card(DataType::f16, [&] { fake_cann_set_version(version); });
    const std::vector<float> many(64, 2048.0f);
    const Weight heavy = card.device().make_weight(view_of(many, {1, 64}), WeightFormat::bf16);
    const Tensor x = card.put(std::vector<float>(64, 1.0f), {1, 64}, DataType::f16);
    const Tensor sum = card.put({5}, {1, 1});
    card.device().linear({.in = x, .weight = heavy, .residual = sum, .out = sum});
    EXPECT_TRUE(std::isinf(card.get(sum)[0])) << version;
    const Tensor weight = card.put({1}, {1});
    const Tensor normed(card.device(), DataType::f16, {1, 1});
    card.device().rms_norm({.in = sum, .weight = weight, .out = normed});
    EXPECT_TRUE(std::isnan(card.get(normed)[0])) << version;
  }
}

TEST_P(AscendLinear, GateAndUpInOneWhereTheyLieTogether) {
  Random random(2);
  FakeCard card(GetParam());
  for (const bool apart : {false, true}) {
    constexpr int64_t rows = 5, in = 64, out = 48;
    const WeightPair gate(card, random, out, in);
    const WeightPair between(card, random, 3, in);
    const WeightPair up(card, random, out, in);
    const WeightStack on_cpu{{gate.on_cpu, up.on_cpu}};
    const WeightStack on_card =
        apart ? WeightStack{{gate.on_card, up.on_card}} : card.device().stack({gate.on_card, up.on_card});
    const std::vector<float> x = rounded(random.values(rows * in, 0.3f), card.half());
    std::vector<float> expected(static_cast<size_t>(rows * out));
    cpu_device().gated_linear({.in = view_of(x, {rows, in}), .gate_up = on_cpu, .out = view_of(expected, {rows, out})});
    const Tensor card_x = card.put(x, {rows, in}, card.half());
    const Tensor card_out(card.device(), card.half(), {rows, out});
    const uint64_t before = fake_cann_runs("aclnnSwiGlu");
    card.device().gated_linear({.in = card_x, .gate_up = on_card, .out = card_out});
    EXPECT_LT(relative_error(card.get(card_out), expected), 2 * half_tolerance(card.half())) << apart;
    EXPECT_EQ(fake_cann_runs("aclnnSwiGlu") - before, apart ? 0u : 1u);
  }
}

// A bias is made narrow once, and again when its memory holds another.
TEST_P(AscendLinear, RemembersABiasAsLongAsItLives) {
  Random random(3);
  FakeCard card(GetParam());
  const WeightPair weight(card, random, 4, 8);
  const std::vector<float> zeros(8);
  const Tensor x = card.put(zeros, {1, 8}, card.half());
  const Tensor out(card.device(), card.half(), {1, 4});
  const auto run = [&](const Tensor& bias) {
    card.device().linear({.in = x, .weight = weight.on_card, .bias = bias, .out = out});
    return card.get(out);
  };
  {
    const Tensor bias = card.put({1, 2, 3, 4}, {4});
    EXPECT_EQ(run(bias), (std::vector<float>{1, 2, 3, 4}));
    const uint64_t copies = fake_cann_runs("aclnnInplaceCopy");
    EXPECT_EQ(run(bias), (std::vector<float>{1, 2, 3, 4}));
    EXPECT_EQ(fake_cann_runs("aclnnInplaceCopy") - copies, 1u) << "what get() does";
    const std::vector<float> others = {5, 6, 7, 8};
    card.device().upload(others.data(), bias);
    EXPECT_EQ(run(bias), others);
  }
  const Tensor bias = card.put({9, 9, 9, 9}, {4});
  EXPECT_EQ(run(bias), (std::vector<float>{9, 9, 9, 9}));
}

INSTANTIATE_TEST_SUITE_P(Types, AscendLinear, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
