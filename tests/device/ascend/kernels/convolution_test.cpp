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

class AscendConvolution : public ::testing::TestWithParam<DataType> {};

struct Case {
  int kernel, stride, padding, dilation;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.kernel << " by " << c.stride << " padding " << c.padding << " dilation " << c.dilation;
}

constexpr int64_t batch = 2;
constexpr int64_t side = 12;

int64_t places(const Case& c) { return (side + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; }

void check_convolution(FakeCard& card, Random& random, const Case& c, bool biased) {
  const int64_t channels = random.between(1, 9);
  const int64_t wanted = random.between(1, 9);
  const int64_t columns = channels * c.kernel * c.kernel;
  const std::vector<float> values = rounded(random.values(wanted * columns), card.half());
  const Weight cpu_weight = cpu_device().make_weight(view_of(values, {wanted, columns}), WeightFormat::f32);
  const Weight weight = card.device().make_weight(view_of(values, {wanted, columns}), WeightFormat::bf16);
  const std::vector<float> x = rounded(random.values(batch * side * side * channels), card.half());
  const std::vector<float> bias = random.values(biased ? wanted : 0);
  const Shape shape = {batch, places(c), places(c), wanted};
  std::vector<float> expected(static_cast<size_t>(shape.elements()));
  Conv2dArgs args = {.in = view_of(x, {batch, side, side, channels}),
                     .weight = cpu_weight,
                     .kernel = c.kernel,
                     .stride = c.stride,
                     .padding = c.padding,
                     .dilation = c.dilation,
                     .out = view_of(expected, shape)};
  if (biased) args.bias = view_of(bias, {wanted});
  cpu_device().conv2d(args);

  const Tensor out(card.device(), DataType::f32, shape);
  const Tensor card_x = card.put(x, {batch, side, side, channels});
  const Tensor card_bias = biased ? card.put(bias, {wanted}) : Tensor();
  Conv2dArgs card_args = {.in = card_x,
                          .weight = weight,
                          .kernel = c.kernel,
                          .stride = c.stride,
                          .padding = c.padding,
                          .dilation = c.dilation,
                          .out = out};
  if (biased) card_args.bias = card_bias;
  card.device().conv2d(card_args);
  EXPECT_LT(relative_error(card.get(out), expected), half_tolerance(card.half())) << c;
}

void check_unfolding(FakeCard& card, Random& random, const Case& c, DataType type) {
  const int64_t channels = random.between(1, 9);
  const Shape shape = {batch * places(c) * places(c), channels * c.kernel * c.kernel};
  const std::vector<float> x = rounded(random.values(batch * side * side * channels), card.half());
  std::vector<float> expected(static_cast<size_t>(shape.elements()));
  Im2colArgs args = {.in = view_of(x, {batch, side, side, channels}),
                     .kernel = c.kernel,
                     .stride = c.stride,
                     .padding = c.padding,
                     .dilation = c.dilation,
                     .out = view_of(expected, shape)};
  cpu_device().im2col(args);
  const Tensor card_x = card.put(x, {batch, side, side, channels});
  const Tensor out(card.device(), type, shape);
  args.in = card_x;
  args.out = out;
  card.device().im2col(args);
  EXPECT_EQ(card.get(out), expected) << c;
}

TEST_P(AscendConvolution, IsTheCpus) {
  Random random(1);
  FakeCard card(GetParam());
  for (const Case c : {Case{1, 1, 0, 1}, Case{4, 4, 0, 1}, Case{3, 1, 1, 1}, Case{3, 2, 1, 1}, Case{2, 1, 1, 2}}) {
    for (const bool biased : {false, true}) check_convolution(card, random, c, biased);
    for (const DataType type : {DataType::f32, card.half()}) check_unfolding(card, random, c, type);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, AscendConvolution, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
