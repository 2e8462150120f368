#include "device/cpu/matmul/panels.h"

#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "support/values.h"
#include "support/vector_targets.h"
#include "support/weight_values.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::relative_error;
using testing::view_of;

std::vector<float> unpacked(const Weight& matrix) { return testing::floats_of(cpu::unpack(matrix)); }

// What each format may lose, as shares of a block's largest value. q8: half a step. q4: the scale that loses least in
// all may cut the largest value by 7 %, and 8 has no counterpart on the other side of zero.
struct Loss {
  double most, root_mean_square;
};
Loss loss_of(WeightFormat format) { return format == WeightFormat::q8 ? Loss{0.01, 0.004} : Loss{0.2, 0.05}; }

TEST(Panels, LosesNoMoreThanItsStep) {
  Random random(1);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    for (const int64_t in : {1, 31, 32, 100, 128, 129, 320, 1280}) {
      const int64_t out = random.between(1, 9);
      const std::vector<float> weight = random.values(out * in, 3);
      for_each_target([&] {
        const std::vector<float> got = unpacked(cpu_device().make_weight(view_of(weight, {out, in}), format));
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

TEST(Panels, EveryTargetPacksTheSameBytes) {
  Random random(2);
  const std::vector<float> weight = random.values(5 * 300);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    std::vector<std::byte> first;
    for_each_target([&] {
      const Weight matrix = cpu_device().make_weight(view_of(weight, {5, 300}), format);
      const std::vector<std::byte> bytes = testing::copy_of<std::byte>(*matrix.storage);
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first);
    });
  }
}

// Numbers are the format's, wherever they lie: quantized first and laid out then, or both at once, or read back.
TEST(Panels, HoldTheNumbersOfTheFormat) {
  Random random(4);
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    for (const auto& [out, in] : {std::pair<int64_t, int64_t>{1, 1}, {16, 64}, {17, 65}, {5, 33}, {40, 200}}) {
      const std::vector<float> weight = random.values(out * in, 2);
      const WeightValues values = quantize(view_of(weight, {out, in}), format);
      const Weight at_once = cpu_device().make_weight(view_of(weight, {out, in}), format);
      const Weight later = cpu_device().pack(values);
      EXPECT_EQ(testing::copy_of<std::byte>(*at_once.storage), testing::copy_of<std::byte>(*later.storage));
      const WeightValues back = cpu::unpack(at_once);
      EXPECT_EQ(back.values, values.values);
      EXPECT_EQ(back.scales, values.scales);
      EXPECT_EQ(back.numbers, values.numbers);
    }
  }
}

TEST(Panels, ZerosTinyAndHugeValuesStayFinite) {
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    for (const float value : {0.0f, 1e-30f, -1e-7f, 1e30f}) {
      const std::vector<float> weight(128, value);
      for (const float got : unpacked(cpu_device().make_weight(view_of(weight, {1, 128}), format))) {
        EXPECT_TRUE(std::isfinite(got));
        if (std::abs(value) < 1e-6f) {
          EXPECT_NEAR(got, value, 1e-6);
        }
      }
    }
  }
}

// A weight that is bf16 already is kept as it is, whatever the padding.
TEST(Panels, Bf16IsKept) {
  Random random(3);
  for (const int64_t in : {1, 2, 63, 64, 65, 200}) {
    for (const int64_t out : {1, 15, 16, 17, 40}) {
      const testing::RandomWeight weight(random, DataType::bf16, out, in);
      const TensorView view(weight.bytes.data(), DataType::bf16, {out, in});
      EXPECT_EQ(unpacked(cpu_device().make_weight(view, WeightFormat::bf16)), weight.values) << out << " x " << in;
    }
  }
}

}  // namespace
}  // namespace lectern
