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
        const int8_t number = values.numbers[static_cast<size_t>(row * 96 + i)];
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

// Rows and columns of any kind are those of the whole, and what is no part within their blocks is zero.
TEST(Quantization, PartsHaveTheNumbersOfTheWhole) {
  Random random(3);
  constexpr int64_t out = 37, in = 200;
  const std::vector<float> weight = random.values(out * in, 3);
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const WeightValues whole = quantize(view_of(weight, {out, in}), format);
    const std::vector<float> expected = testing::floats_of(whole);
    for (int i = 0; i < 20; ++i) {
      Range rows, columns;
      rows.first = random.between(0, out - 1);
      rows.count = random.between(1, out - rows.first);
      columns.first = random.between(0, in - 1);
      columns.count = random.between(1, in - columns.first);
      const WeightValues part = part_of(whole, rows, columns);
      const int64_t before = before_part(format, columns);
      ASSERT_EQ(part.out, rows.count);
      ASSERT_GE(part.in, before + columns.count);
      const std::vector<float> got = testing::floats_of(part);
      for (int64_t row = 0; row < rows.count; ++row) {
        for (int64_t column = 0; column < part.in; ++column) {
          const bool own = column >= before && column < before + columns.count;
          const int64_t of_whole = (rows.first + row) * in + columns.first - before + column;
          ASSERT_EQ(got[static_cast<size_t>(row * part.in + column)],
                    own ? expected[static_cast<size_t>(of_whole)] : 0.0f);
        }
      }
    }
  }
}

// As they would be quantized by themselves.
TEST(Quantization, RowsAreQuantizedAsTheyWouldBeAlone) {
  Random random(4);
  const std::vector<float> weight = random.values(40 * 200);
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const WeightValues part = part_of(quantize(view_of(weight, {40, 200}), format), {5, 20}, {0, 200});
    const WeightValues alone = quantize(view_of(weight, {40, 200}).slice(5, 20), format);
    EXPECT_EQ(part.values, alone.values);
    EXPECT_EQ(part.scales, alone.scales);
    EXPECT_EQ(part.numbers, alone.numbers);
  }
}

}  // namespace
}  // namespace lectern
