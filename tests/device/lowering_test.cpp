#include "device/lowering.h"

#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

// The cpu device with nothing but the operators given.
class Partial final : public Device {
 public:
  explicit Partial(const Operators& operators) : Device(operators) {}
  const char* name() const override { return "partial"; }
  std::byte* allocate(size_t bytes) override { return cpu_device().allocate(bytes); }
  void release(std::byte* data, size_t bytes) noexcept override { cpu_device().release(data, bytes); }
  Matrix matrix(const TensorView& weight, WeightFormat format) override { return cpu_device().matrix(weight, format); }
  Tensor vector(const TensorView& values) override { return cpu_device().vector(values); }
  void read(const TensorView& values, float* out) override { cpu_device().read(values, out); }
  Precision precision(WeightFormat format) const override { return cpu_device().precision(format); }
  CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format) const override {
    return cpu_device().cache_format(kv_heads, head_size, format);
  }
};

struct Case {
  int64_t batch, height, width, channels, out;
  int kernel, stride, padding;
  bool bias;
};

void check(const Case& c, Random& random) {
  const int64_t out_height = (c.height + 2 * c.padding - c.kernel) / c.stride + 1;
  const int64_t out_width = (c.width + 2 * c.padding - c.kernel) / c.stride + 1;
  const std::vector<float> in = random.values(c.batch * c.height * c.width * c.channels);
  const RandomWeight weight(random, DataType::bf16, c.out, c.channels * c.kernel * c.kernel);
  const std::vector<float> bias = random.values(c.bias ? c.out : 0);
  std::vector<double> expected;
  for (int64_t place = 0; place < c.batch * out_height * out_width; ++place) {
    for (int64_t n = 0; n < c.out; ++n) {
      double sum = c.bias ? bias[static_cast<size_t>(n)] : 0.0f;
      for (int64_t i = 0; i < c.channels * c.kernel * c.kernel; ++i) {
        const int64_t y = place / out_width % out_height * c.stride - c.padding + i / c.kernel % c.kernel;
        const int64_t x = place % out_width * c.stride - c.padding + i % c.kernel;
        if (y < 0 || y >= c.height || x < 0 || x >= c.width) continue;
        const int64_t view = place / (out_height * out_width);
        const int64_t at = ((view * c.height + y) * c.width + x) * c.channels + i / (c.kernel * c.kernel);
        sum += static_cast<double>(weight.values[static_cast<size_t>(n * weight.matrix.in() + i)]) *
               static_cast<double>(in[static_cast<size_t>(at)]);
      }
      expected.push_back(sum);
    }
  }
  std::vector<float> out(expected.size(), std::nanf(""));
  Partial device({.linear = cpu::linear, .unfold = cpu::unfold});
  device.conv2d({.in = view_of(in, {c.batch, c.height, c.width, c.channels}),
                 .weight = weight.matrix,
                 .bias = view_of(bias, {c.out}),
                 .kernel = c.kernel,
                 .stride = c.stride,
                 .padding = c.padding,
                 .out = view_of(out, {c.batch, out_height, out_width, c.out})});
  EXPECT_LT(relative_error(out, expected), 1e-5)
      << c.batch << " x " << c.height << " x " << c.width << " x " << c.channels << " -> " << c.out << ", kernel "
      << c.kernel << " stride " << c.stride << " padding " << c.padding;
}

TEST(Lowering, Conv2dEqualsADirectConvolution) {
  Random random(1);
  for (int kernel = 1; kernel <= 5; ++kernel) {
    for (int stride = 1; stride <= 3; ++stride) {
      for (int padding = 0; padding <= 2; ++padding) {
        for (int round = 0; round < 3; ++round) {
          check({random.between(1, 3), random.between(5, 11), random.between(5, 11), random.between(1, 7),
                 random.between(1, 9), kernel, stride, padding, random.coin()},
                random);
        }
      }
    }
  }
}

TEST(Lowering, Conv2dOfPatches) {
  Random random(2);
  check({2, 32, 48, 3, 12, 16, 16, 0, true}, random);
}

TEST(Lowering, KeepsWhatTheDeviceHas) {
  const auto own = [](Device&, const Conv2dArgs&) {};
  const Operators table = lower_missing({.linear = cpu::linear, .conv2d = own});
  EXPECT_EQ(table.conv2d, static_cast<void (*)(Device&, const Conv2dArgs&)>(own));
  EXPECT_EQ(table.linear, cpu::linear);
  EXPECT_EQ(table.rope, nullptr);
}

}  // namespace
}  // namespace lectern
