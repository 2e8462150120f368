#include "device/quantization.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/threads.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/quantization.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using cpu::HWY_NAMESPACE::FloatTag;

// Scales beyond f16's range become its largest.
inline uint16_t scale_bits(float scale) { return f32_to_f16(std::clamp(scale, -65504.0f, 65504.0f)); }

// The numbers nearest to block / scale.
HWY_API hn::Vec<FloatTag> numbers_of(FloatTag d, const float* at, float inverse, float lowest, float highest) {
  const auto scaled = hn::Round(hn::Mul(hn::LoadU(d, at), hn::Set(d, inverse)));
  return hn::Clamp(scaled, hn::Set(d, lowest), hn::Set(d, highest));
}

inline float squared_error(const float* block, float scale, float lowest, float highest) {
  const FloatTag d;
  auto sum = hn::Zero(d);
  for (int64_t i = 0; i < block_inputs; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto number = numbers_of(d, block + i, 1.0f / scale, lowest, highest);
    const auto difference = hn::Sub(hn::Mul(number, hn::Set(d, scale)), hn::LoadU(d, block + i));
    sum = hn::MulAdd(difference, difference, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// q8: the scale at which the largest value just fits. q4: of the scales near it the one that loses least.
inline float best_scale(const float* block, WeightFormat format, float lowest, float highest) {
  float extreme = 0;
  for (int64_t i = 0; i < block_inputs; ++i) {
    if (std::abs(block[i]) > std::abs(extreme)) extreme = block[i];
  }
  if (extreme == 0 || !std::isfinite(extreme)) return 0;
  if (format == WeightFormat::q8) return f16_to_f32(scale_bits(extreme / lowest));
  float best = 0;
  float least = std::numeric_limits<float>::infinity();
  for (float divisor = lowest - 0.6f; divisor < lowest + 1.9f; divisor += 0.2f) {
    const float scale = f16_to_f32(scale_bits(extreme / divisor));
    if (scale == 0) continue;
    const float error = squared_error(block, scale, lowest, highest);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

// A block -> its scale, f16, and its numbers.
uint16_t quantize_block(const float* block, WeightFormat format, int8_t* numbers) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> d32;
  const float lowest = format == WeightFormat::q8 ? -127.0f : -8.0f;
  const float highest = format == WeightFormat::q8 ? 127.0f : 7.0f;
  const float scale = best_scale(block, format, lowest, highest);
  const float inverse = scale == 0 ? 0 : 1.0f / scale;
  int32_t wide[block_inputs];
  for (int64_t i = 0; i < block_inputs; i += static_cast<int64_t>(hn::Lanes(d)))
    hn::StoreU(hn::ConvertTo(d32, numbers_of(d, block + i, inverse, lowest, highest)), d32, wide + i);
  std::transform(wide, wide + block_inputs, numbers, [](int32_t number) { return static_cast<int8_t>(number); });
  return scale_bits(scale);
}

}  // namespace lectern::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern {
namespace {

HWY_EXPORT(quantize_block);

// Outputs first .. last - 1.
void round_rows(const TensorView& weight, int64_t first, int64_t last, WeightValues& result) {
  if (weight.type == DataType::bf16) {
    std::memcpy(result.values.data() + first * result.in, weight.slice(first, last - first).data,
                static_cast<size_t>((last - first) * result.in) * sizeof(uint16_t));
    return;
  }
  std::vector<float> wide(static_cast<size_t>(result.in));
  for (int64_t row = first; row < last; ++row) {
    cpu::widen_row(weight, row, wide.data());
    std::ranges::transform(wide, result.values.data() + row * result.in, f32_to_bf16);
  }
}

void quantize_rows(const TensorView& weight, int64_t first, int64_t last, WeightValues& result) {
  const int64_t blocks = blocks_of(result.in);
  std::vector<float> wide(static_cast<size_t>(blocks * block_inputs));  // zeros at its end
  for (int64_t row = first; row < last; ++row) {
    cpu::widen_row(weight, row, wide.data());
    for (int64_t i = row * blocks; i < (row + 1) * blocks; ++i) {
      result.scales[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(quantize_block)(
          wide.data() + (i - row * blocks) * block_inputs, result.format, result.numbers.data() + i * block_inputs);
    }
  }
}

}  // namespace

void WeightValues::resize() {
  const bool in_blocks = is_quantized(format);
  values.resize(in_blocks ? 0 : static_cast<size_t>(out * in));
  scales.resize(in_blocks ? static_cast<size_t>(out * blocks_of(in)) : 0);
  numbers.resize(scales.size() * block_inputs);
}

WeightValues part_of(const WeightValues& weight, const Range& rows, const Range& columns) {
  WeightValues part{
      .format = weight.format, .out = rows.count, .in = columns.count, .values = {}, .scales = {}, .numbers = {}};
  if (!is_quantized(weight.format)) {
    part.resize();
    for (int64_t row = 0; row < rows.count; ++row)
      std::copy_n(weight.values.begin() + (rows.first + row) * weight.in + columns.first, columns.count,
                  part.values.begin() + row * columns.count);
    return part;
  }
  const int64_t first = columns.first / block_inputs;  // block
  const int64_t blocks = blocks_of(columns.end()) - first;
  part.in = std::min(weight.in - first * block_inputs, blocks * block_inputs);
  part.resize();
  const int64_t before = before_part(weight.format, columns);
  for (int64_t row = 0; row < rows.count; ++row) {
    const int64_t from = (rows.first + row) * blocks_of(weight.in) + first;
    std::copy_n(weight.scales.begin() + from, blocks, part.scales.begin() + row * blocks);
    std::copy_n(weight.numbers.begin() + from * block_inputs + before, columns.count,
                part.numbers.begin() + row * blocks * block_inputs + before);
  }
  return part;
}

WeightValues quantize(const TensorView& weight, WeightFormat format) {
  WeightValues result{
      .format = format, .out = weight.shape[0], .in = weight.shape[1], .values = {}, .scales = {}, .numbers = {}};
  result.resize();
  parallel_shares(result.out, 1, [&](int64_t first, int64_t last) {
    is_quantized(format) ? quantize_rows(weight, first, last, result) : round_rows(weight, first, last, result);
  });
  return result;
}

}  // namespace lectern
#endif
