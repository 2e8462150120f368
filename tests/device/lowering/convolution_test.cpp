// A convolution, and the unfolding that it is made of, on devices without either.
#include <gtest/gtest.h>

#include "support/lowered.h"

namespace lectern {
namespace {

using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

struct Case {
  int64_t batch, height, width, channels, out;
  int kernel, stride, padding, dilation;
  bool bias;
};

int64_t out_extent(const Case& c, int64_t extent) {
  return (extent + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1;
}

std::string shown(const Case& c) {
  return ::testing::PrintToString(c.batch) + " x " + std::to_string(c.height) + " x " + std::to_string(c.width) +
         " x " + std::to_string(c.channels) + " -> " + std::to_string(c.out) + ", kernel " + std::to_string(c.kernel) +
         " stride " + std::to_string(c.stride) + " padding " + std::to_string(c.padding) + " dilation " +
         std::to_string(c.dilation);
}

void check(const Case& c, Random& random) {
  SCOPED_TRACE(shown(c));
  const int64_t out_height = out_extent(c, c.height);
  const int64_t out_width = out_extent(c, c.width);
  const std::vector<float> in = random.values(c.batch * c.height * c.width * c.channels);
  const RandomWeight weight(random, DataType::bf16, c.out, c.channels * c.kernel * c.kernel);
  const std::vector<float> bias = random.values(c.bias ? c.out : 0);
  std::vector<double> expected;
  for (int64_t place = 0; place < c.batch * out_height * out_width; ++place) {
    for (int64_t n = 0; n < c.out; ++n) {
      double sum = c.bias ? bias[static_cast<size_t>(n)] : 0.0f;
      for (int64_t i = 0; i < c.channels * c.kernel * c.kernel; ++i) {
        const int64_t y = place / out_width % out_height * c.stride - c.padding + i / c.kernel % c.kernel * c.dilation;
        const int64_t x = place % out_width * c.stride - c.padding + i % c.kernel * c.dilation;
        if (y < 0 || y >= c.height || x < 0 || x >= c.width) continue;
        const int64_t view = place / (out_height * out_width);
        const int64_t at = ((view * c.height + y) * c.width + x) * c.channels + i / (c.kernel * c.kernel);
        sum += static_cast<double>(weight.values[static_cast<size_t>(n * weight.matrix.in() + i)]) *
               static_cast<double>(in[static_cast<size_t>(at)]);
      }
      expected.push_back(sum);
    }
  }
  const auto compare = [&](Device& device) {
    std::vector<float> out(expected.size(), std::nanf(""));
    device.conv2d({.in = view_of(in, {c.batch, c.height, c.width, c.channels}),
                   .weight = weight.matrix,
                   .bias = view_of(bias, {c.out}),
                   .kernel = c.kernel,
                   .stride = c.stride,
                   .padding = c.padding,
                   .dilation = c.dilation,
                   .out = view_of(out, {c.batch, out_height, out_width, c.out})});
    EXPECT_LT(relative_error(out, expected), 1e-5);
  };
  for_each_replacement(Operator::conv2d, compare);
  for_each_replacement(Operator::im2col, compare);
}

TEST(LoweredConvolution, EqualsADirectOne) {
  Random random(1);
  for (int kernel = 1; kernel <= 5; ++kernel) {
    for (int stride = 1; stride <= 3; ++stride) {
      for (int padding = 0; padding <= 2; ++padding) {
        const int dilation = static_cast<int>(random.between(1, kernel < 4 ? 3 : 1));
        check({random.between(1, 3), random.between(7, 11), random.between(7, 11), random.between(1, 7),
               random.between(1, 9), kernel, stride, padding, dilation, random.coin()},
              random);
      }
    }
  }
}

TEST(LoweredConvolution, OfPatches) {
  Random random(2);
  check({2, 32, 48, 3, 12, 16, 16, 0, 1, true}, random);
}

TEST(LoweredConvolution, UnfoldsToEveryType) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    const Case c{random.between(1, 2),
                 random.between(5, 9),
                 random.between(5, 9),
                 random.between(1, 4),
                 0,
                 static_cast<int>(random.between(1, 3)),
                 static_cast<int>(random.between(1, 3)),
                 static_cast<int>(random.between(0, 2)),
                 static_cast<int>(random.between(1, 2)),
                 false};
    SCOPED_TRACE(shown(c));
    const std::vector<float> in = random.values(c.batch * c.height * c.width * c.channels);
    const TensorView view = view_of(in, {c.batch, c.height, c.width, c.channels});
    const Shape shape = {c.batch * out_extent(c, c.height) * out_extent(c, c.width), c.channels * c.kernel * c.kernel};
    const Tensor expected(cpu_device(), DataType::f32, shape);
    cpu_device().im2col({view, c.kernel, c.stride, c.padding, c.dilation, expected});
    for (const DataType type : all_compute_types) {
      for_each_replacement(Operator::im2col, [&](Device& device) {
        const Tensor out(cpu_device(), type, shape);
        device.im2col({view, c.kernel, c.stride, c.padding, c.dilation, out});
        EXPECT_LE(relative_error(floats_of(out), floats_of(expected)),
                  type == DataType::f32 ? 0.0 : testing::rounding(type));
      });
    }
  }
}

}  // namespace
}  // namespace lectern
