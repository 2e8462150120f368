// Making and unpacking of quantized rows.
#include "device/cpu/quantized.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/quantized.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// To nearest, ties to even; finite values beyond f16's range become its largest.
inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const float magnitude = std::min(std::abs(value), 65504.0f);
  if (magnitude < 0x1p-14f)
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(magnitude * 0x1p24f)));
  const uint32_t wide = std::bit_cast<uint32_t>(magnitude);
  const uint32_t rounded = (wide + 0xfffu + ((wide >> 13) & 1u)) >> 13;
  return static_cast<uint16_t>(sign | std::min<uint32_t>(rounded - (112u << 10), 0x7bffu));
}

// The numbers nearest to block / scale.
HWY_API hn::Vec<FloatTag> numbers_of(FloatTag d, const float* at, float inverse, float lowest, float highest) {
  const auto scaled = hn::Round(hn::Mul(hn::LoadU(d, at), hn::Set(d, inverse)));
  return hn::Clamp(scaled, hn::Set(d, lowest), hn::Set(d, highest));
}

inline float squared_error(const float* block, float scale, float lowest, float highest) {
  const FloatTag d;
  auto sum = hn::Zero(d);
  for (int64_t i = 0; i < block_columns; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto number = numbers_of(d, block + i, 1.0f / scale, lowest, highest);
    const auto difference = hn::Sub(hn::Mul(number, hn::Set(d, scale)), hn::LoadU(d, block + i));
    sum = hn::MulAdd(difference, difference, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// q8: the scale at which the largest value just fits. q4: of the scales near it the one that loses least.
inline float best_scale(const float* block, WeightFormat format, float lowest, float highest) {
  float extreme = 0;
  for (int64_t i = 0; i < block_columns; ++i) {
    if (std::abs(block[i]) > std::abs(extreme)) extreme = block[i];
  }
  if (extreme == 0 || !std::isfinite(extreme)) return 0;
  if (format == WeightFormat::q8) return f16_to_f32(f32_to_f16(extreme / lowest));
  float best = 0;
  float least = std::numeric_limits<float>::infinity();
  for (float divisor = lowest - 0.6f; divisor < lowest + 1.9f; divisor += 0.2f) {
    const float scale = f16_to_f32(f32_to_f16(extreme / divisor));
    if (scale == 0) continue;
    const float error = squared_error(block, scale, lowest, highest);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

void quantize_row(const float* row, int64_t columns, WeightFormat format, std::byte* out) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> d32;
  const bool eight = format == WeightFormat::q8;
  const float lowest = eight ? -127.0f : -8.0f;
  const float highest = eight ? 127.0f : 7.0f;
  std::byte* numbers = out + scale_bytes(columns);
  HWY_ALIGN int32_t block[block_columns];
  std::memset(numbers, 0, static_cast<size_t>(row_bytes(format, columns) - scale_bytes(columns)));
  for (int64_t start = 0; start < columns; start += block_columns) {
    const float scale = best_scale(row + start, format, lowest, highest);
    const uint16_t bits = f32_to_f16(scale);
    std::memcpy(out + start / block_columns * 2, &bits, 2);
    if (scale == 0) continue;
    for (int64_t i = 0; i < block_columns; i += static_cast<int64_t>(hn::Lanes(d))) {
      hn::StoreU(hn::ConvertTo(d32, numbers_of(d, row + start + i, 1.0f / scale, lowest, highest)), d32, block + i);
    }
    if (eight) {
      for (int64_t i = 0; i < block_columns; ++i)
        numbers[start + i] = static_cast<std::byte>(static_cast<int8_t>(block[i]));
      continue;
    }
    uint32_t words[16];
    std::byte* group = numbers + start / group_columns * (group_columns / 2);
    std::memcpy(words, group, sizeof(words));
    const int64_t shift = start % group_columns / 16 * 4;
    for (int64_t i = 0; i < 16; ++i) {
      words[i] |= static_cast<uint32_t>(block[i] + 8) << shift | static_cast<uint32_t>(block[16 + i] + 8)
                                                                     << (shift + 4);
    }
    std::memcpy(group, words, sizeof(words));
  }
}

// One row as bf16, of whole groups.
void unpack_row(const std::byte* row, int64_t columns, WeightFormat format, uint16_t* out) {
  const FloatTag d;
  const hn::Rebind<int8_t, FloatTag> d8;
  const hn::RebindToSigned<FloatTag> d32;
  const hn::RebindToUnsigned<FloatTag> words32;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const std::byte* numbers = row + scale_bytes(columns);
  const Nibbles nibbles;
  for (int64_t start = 0; start < columns; start += block_columns) {
    const auto scale = hn::Set(d, widened(reinterpret_cast<const F16*>(row)[start / block_columns]));
    for (int64_t i = start; i < start + block_columns; i += lanes) {
      if (format == WeightFormat::q8) {
        const auto number =
            hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, reinterpret_cast<const int8_t*>(numbers) + i)));
        store_bf16(d, hn::Mul(number, scale), out + i);
      } else {
        const auto* group = reinterpret_cast<const uint32_t*>(numbers + i / group_columns * (group_columns / 2));
        const auto word = hn::LoadU(words32, group + i % 16);
        const auto shifted = hn::ShiftRightSame(word, static_cast<int>(i % group_columns / 16 * 4));
        store_bf16(d, hn::Mul(nibbles.numbers(shifted), scale), out + i);
      }
    }
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(quantize_row);
HWY_EXPORT(unpack_row);

void quantize(const TensorView& weight, WeightFormat format, std::byte* out) {
  const int64_t rows = weight.shape[0];
  const int64_t columns = rows == 0 ? 0 : weight.shape.elements() / rows;
  const int64_t bytes = row_bytes(format, columns);
  parallel_shares(rows, 1, [&](int64_t first, int64_t last) {
    std::vector<float> row(static_cast<size_t>(padded_columns(columns)));
    for (int64_t r = first; r < last; ++r) {
      widen_row(weight, r, row.data());
      HWY_DYNAMIC_DISPATCH(quantize_row)(row.data(), padded_columns(columns), format, out + r * bytes);
    }
  });
}

void unpack(const Matrix& matrix, uint16_t* out) {
  const int64_t columns = matrix.in();
  parallel_shares(matrix.out(), 16, [&](int64_t first, int64_t last) {
    std::vector<uint16_t> row(static_cast<size_t>(padded_columns(columns)));
    for (int64_t r = first; r < last; ++r) {
      const std::byte* packed = matrix.data.data + r * row_bytes(matrix.format, columns);
      if (columns % group_columns == 0) {
        HWY_DYNAMIC_DISPATCH(unpack_row)(packed, columns, matrix.format, out + r * columns);
      } else {
        HWY_DYNAMIC_DISPATCH(unpack_row)(packed, padded_columns(columns), matrix.format, row.data());
        std::copy_n(row.data(), columns, out + r * columns);
      }
    }
  });
}

}  // namespace lectern::cpu
#endif
