#include "core/data_type.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace lectern {
namespace {

// sign, exponent and fraction of a 16-bit format, as IEEE 754 defines its value.
float by_formula(uint32_t bits, int fraction_bits) {
  const int exponent_bits = 15 - fraction_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>((bits >> fraction_bits) & ((1u << exponent_bits) - 1));
  const uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), 1 - bias - fraction_bits);
  return sign * std::ldexp(static_cast<float>(fraction | (1u << fraction_bits)), exponent - bias - fraction_bits);
}

void expect_same(float got, float expected, uint32_t bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(got)) << bits;
  } else {
    ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(expected)) << bits;
  }
}

TEST(DataType, EveryF16) {
  for (uint32_t bits = 0; bits < 65536; ++bits)
    expect_same(f16_to_f32(static_cast<uint16_t>(bits)), by_formula(bits, 10), bits);
}

TEST(DataType, EveryBf16) {
  for (uint32_t bits = 0; bits < 65536; ++bits)
    expect_same(bf16_to_f32(static_cast<uint16_t>(bits)), by_formula(bits, 7), bits);
}

TEST(DataType, Bf16ThereAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide = bf16_to_f32(static_cast<uint16_t>(bits));
    const uint16_t back = f32_to_bf16(wide);
    if (std::isnan(wide)) {
      ASSERT_TRUE(std::isnan(bf16_to_f32(back))) << bits;
    } else {
      ASSERT_EQ(back, bits);
    }
  }
}

TEST(DataType, F16ThereAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide = f16_to_f32(static_cast<uint16_t>(bits));
    const uint16_t back = f32_to_f16(wide);
    if (std::isnan(wide)) {
      ASSERT_TRUE(std::isnan(f16_to_f32(back))) << bits;
    } else {
      ASSERT_EQ(back, bits);
    }
  }
}

TEST(DataType, F16RoundsToTheNearestTiesToEven) {
  for (uint32_t low = 0; low < 0x7bff; ++low) {
    const float below = f16_to_f32(static_cast<uint16_t>(low));
    const float above = f16_to_f32(static_cast<uint16_t>(low + 1));
    const float middle = below + (above - below) / 2;
    ASSERT_EQ(f32_to_f16(middle), low % 2 == 0 ? low : low + 1);
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), low);
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 1e9f)), low + 1);
    ASSERT_EQ(f32_to_f16(-std::nextafter(middle, 1e9f)), 0x8000 + low + 1);
  }
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
}

TEST(DataType, Bf16RoundsToTheNearestTiesToEven) {
  std::mt19937 random(1);
  for (int round = 0; round < 200000; ++round) {
    // Every second one is a tie or next to one.
    uint32_t bits = random();
    if (round % 2 == 0) bits = (bits & 0xffff0000u) | (0x7fffu + bits % 3);
    const float value = std::bit_cast<float>(bits);
    const uint16_t low = static_cast<uint16_t>(bits >> 16);  // towards zero
    const float below = bf16_to_f32(low);
    const float above = bf16_to_f32(static_cast<uint16_t>(low + 1));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value))));
      continue;
    }
    if (!std::isfinite(below) || !std::isfinite(above)) continue;
    const double to_below = std::abs(static_cast<double>(value) - static_cast<double>(below));
    const double to_above = std::abs(static_cast<double>(above) - static_cast<double>(value));
    const bool up = to_below == to_above ? low % 2 == 1 : to_above < to_below;
    ASSERT_EQ(f32_to_bf16(value), up ? low + 1 : low) << bits;
  }
}

TEST(DataType, Bf16OverflowsToInfinity) {
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(f32_to_bf16(-std::numeric_limits<float>::max()), 0xff80);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::infinity()), 0x7f80);
  // A NaN of which all bits lie in the half that is cut off.
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(DataType, NamesAndSizes) {
  EXPECT_EQ(size_of(DataType::f32), 4u);
  EXPECT_EQ(size_of(DataType::f16), 2u);
  EXPECT_EQ(size_of(DataType::bf16), 2u);
  EXPECT_EQ(size_of(DataType::i64), 8u);
  EXPECT_EQ(size_of(DataType::i32), 4u);
  EXPECT_EQ(size_of(DataType::u8), 1u);
  EXPECT_EQ(name_of(DataType::bf16), "bf16");
  EXPECT_EQ(name_of(DataType::u8), "u8");
}

}  // namespace
}  // namespace lectern
