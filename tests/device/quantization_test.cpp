#include "device/quantization.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/values.h"
#include "support/weight_values.h"

namespace lectern {
namespace {

using testing::Random;
using testing::RandomWeight;
using testing::view_of;

TEST(Quantization, BlocksHaveOneScale) {
  Random random(1);
  constexpr int64_t out = 3, in = 70;
  const std::vector<float> weight = random.values(out * in, 2);
  for (const auto& [format, most] : {std::pair(WeightFormat::q8, 127), {WeightFormat::q4, 8}}) {
    const WeightValues values = quantize(view_of(weight, {out, in}), format);
    EXPECT_TRUE(values.values.empty());
    ASSERT_EQ(values.scales.size(), static_cast<size_t>(out * 3));
    ASSERT_EQ(values.numbers.size(), static_cast<size_t>(out * 96));
    for (int64_t row = 0; row < out; ++row) {
      for (int64_t i = 0; i < 96; ++i) {
        const int number = values.numbers[static_cast<size_t>(row * 96 + i)];
        EXPECT_LE(std::abs(number), most);
        if (i >= in) {
          EXPECT_EQ(number, 0) << "behind the last input";
          continue;
        }
        const float scale = f16_to_f32(values.scales[static_cast<size_t>(row * 3 + i / 32)]);
        const double step = std::abs(static_cast<double>(scale));
        // Where a number is the largest, more may be cut off.
        if (std::abs(number) < most - 1) {
          EXPECT_LE(std::abs(weight[static_cast<size_t>(row * in + i)] - scale * static_cast<float>(number)),
                    0.5001 * step);
        }
      }
    }
  }
}

// The type that the values come in makes no difference.
TEST(Quantization, IsOfTheValues) {
  Random random(2);
  const RandomWeight narrow(random, DataType::bf16, 5, 40);
  const TensorView as_bf16(narrow.bytes.data(), DataType::bf16, {5, 40});
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const WeightValues wide = quantize(view_of(narrow.values, {5, 40}), format);
    const WeightValues own = quantize(as_bf16, format);
    EXPECT_EQ(own.values, wide.values);
    EXPECT_EQ(own.scales, wide.scales);
    EXPECT_EQ(own.numbers, wide.numbers);
    if (format == WeightFormat::bf16) {
      EXPECT_EQ(testing::floats_of(own), narrow.values);
    }
  }
}

}  // namespace
}  // namespace lectern
