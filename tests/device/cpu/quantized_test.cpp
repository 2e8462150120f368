#include "device/cpu/quantized.h"

#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::relative_error;
using testing::view_of;

std::vector<float> unpacked(const Matrix& matrix) {
  std::vector<uint16_t> bits(static_cast<size_t>(matrix.out() * matrix.in()));
  cpu::unpack(matrix, bits.data());
  std::vector<float> values;
  for (const uint16_t b : bits) values.push_back(bf16_to_f32(b));
  return values;
}

// What each format may lose, as shares of a block's largest value. q8: half a step. q4: the scale that loses least in
// all may cut the largest value by 7 %, and 8 has no counterpart on the other side of zero.
struct Loss {
  double most, root_mean_square;
};
Loss loss_of(WeightFormat format) { return format == WeightFormat::q8 ? Loss{0.01, 0.004} : Loss{0.2, 0.05}; }

TEST(Quantized, LosesNoMoreThanItsStep) {
  Random random(1);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    for (const int64_t in : {1, 31, 32, 100, 128, 129, 320, 1280}) {
      const int64_t out = random.between(1, 9);
      const std::vector<float> weight = random.values(out * in, 3);
      for_each_target([&] {
        const std::vector<float> got = unpacked(cpu_device().matrix(view_of(weight, {out, in}), format));
        ASSERT_EQ(got.size(), weight.size());
        double squares = 0;
        for (size_t i = 0; i < got.size(); ++i) {
          const double loss = (got[i] - weight[i]) / 3;
          EXPECT_LT(std::abs(loss), loss_of(format).most) << "element " << i;
          squares += loss * loss;
        }
        EXPECT_LT(std::sqrt(squares / static_cast<double>(got.size())), loss_of(format).root_mean_square);
      });
    }
  }
}

TEST(Quantized, EveryTargetPacksTheSameBytes) {
  Random random(2);
  const std::vector<float> weight = random.values(5 * 300);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    std::vector<std::byte> first;
    for_each_target([&] {
      const Matrix matrix = cpu_device().matrix(view_of(weight, {5, 300}), format);
      const std::vector<std::byte> bytes(matrix.data.data, matrix.data.data + matrix.data.bytes());
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first);
    });
  }
}

TEST(Quantized, ZerosTinyAndHugeValuesStayFinite) {
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    for (const float value : {0.0f, 1e-30f, -1e-7f, 1e30f}) {
      const std::vector<float> weight(128, value);
      for (const float got : unpacked(cpu_device().matrix(view_of(weight, {1, 128}), format))) {
        EXPECT_TRUE(std::isfinite(got));
        if (std::abs(value) < 1e-6f) {
          EXPECT_NEAR(got, value, 1e-6);
        }
      }
    }
  }
}

// Few rows and many, against products with the unpacked weights.
TEST(Quantized, ProductsAgreeWithTheUnpackedWeights) {
  Random random(3);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    for (const int64_t rows : {1, 2, 3, 4, 7, 16, 17, 40}) {
      const int64_t in = random.between(1, 400);
      const int64_t out = random.between(1, 60);
      const std::vector<float> weight = random.values(out * in);
      const std::vector<float> x = random.values(rows * in);
      for_each_target([&] {
        const Matrix matrix = cpu_device().matrix(view_of(weight, {out, in}), format);
        const std::vector<float> kept = unpacked(matrix);
        std::vector<double> expected;
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t n = 0; n < out; ++n) {
            double sum = 0;
            for (int64_t k = 0; k < in; ++k)
              sum += static_cast<double>(kept[static_cast<size_t>(n * in + k)]) * x[static_cast<size_t>(i * in + k)];
            expected.push_back(sum);
          }
        }
        std::vector<float> y(static_cast<size_t>(rows * out));
        cpu_device().linear({.in = view_of(x, {rows, in}), .weight = matrix, .out = view_of(y, {rows, out})});
        // Unpacking rounds to bf16, and so do the inputs of many rows.
        EXPECT_LT(relative_error(y, expected), 1e-2) << rows << " x " << in << " x " << out;
      });
    }
  }
}

TEST(Quantized, Bf16ProductsAreNearTheExactOnes) {
  Random random(4);
  for (const int64_t rows : {1, 16, 17, 100}) {
    const std::vector<float> weight = random.values(70 * 130);
    const std::vector<float> x = random.values(rows * 130);
    std::vector<float> exact(static_cast<size_t>(rows * 70)), near(exact.size());
    cpu_device().linear({.in = view_of(x, {rows, 130}),
                         .weight = cpu_device().matrix(view_of(weight, {70, 130}), WeightFormat::f32),
                         .out = view_of(exact, {rows, 70})});
    cpu_device().linear({.in = view_of(x, {rows, 130}),
                         .weight = cpu_device().matrix(view_of(weight, {70, 130}), WeightFormat::bf16),
                         .out = view_of(near, {rows, 70})});
    EXPECT_LT(relative_error(near, exact), 1e-2);
    EXPECT_NE(near, exact);
  }
}

}  // namespace
}  // namespace lectern
