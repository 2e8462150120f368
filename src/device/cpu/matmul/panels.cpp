// Packing and unpacking of panels.
#include "device/cpu/matmul/panels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/matmul/panels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

// 32 inputs of one output -> their scale, f16, and their numbers.
uint16_t quantize_block(const float* block, WeightFormat format, int32_t* numbers) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> d32;
  const float lowest = format == WeightFormat::q8 ? -127.0f : -8.0f;
  const float highest = format == WeightFormat::q8 ? 127.0f : 7.0f;
  const float scale = best_scale(block, format, lowest, highest);
  const float inverse = scale == 0 ? 0 : 1.0f / scale;
  for (int64_t i = 0; i < block_inputs; i += static_cast<int64_t>(hn::Lanes(d)))
    hn::StoreU(hn::ConvertTo(d32, numbers_of(d, block + i, inverse, lowest, highest)), d32, numbers + i);
  return scale_bits(scale);
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
namespace {

HWY_EXPORT(quantize_block);

// Bits that input `i` of 64 takes in the words of one output: the vector it is in, and the shift within its word.
struct Place {
  int64_t vector;
  int shift;
};
constexpr Place place_of(WeightFormat format, int64_t i) {
  if (format == WeightFormat::q8) return {i / 4, static_cast<int>(16 * (i % 2) + 8 * (i / 2 % 2))};
  return {i / 8, static_cast<int>(16 * (i % 2) + 4 * (i / 2 % 4))};
}

// rows f32 [16, padded in] -> one panel
void pack_quantized(const float* rows, int64_t in, WeightFormat format, std::byte* panel) {
  for (int64_t start = 0; start < in; start += group_inputs, panel += group_bytes(format)) {
    auto* scales = reinterpret_cast<uint16_t*>(panel);
    auto* words = reinterpret_cast<uint32_t*>(panel + scale_bytes);
    std::fill_n(words, (group_bytes(format) - scale_bytes) / 4, 0u);
    for (int64_t n = 0; n < panel_outputs; ++n) {
      int32_t numbers[group_inputs];
      for (int64_t block = 0; block < 2; ++block) {
        scales[block * panel_outputs + n] = HWY_DYNAMIC_DISPATCH(quantize_block)(
            rows + n * in + start + block * block_inputs, format, numbers + block * block_inputs);
      }
      for (int64_t i = 0; i < group_inputs; ++i) {
        const Place place = place_of(format, i);
        const auto bits = format == WeightFormat::q8 ? static_cast<uint32_t>(numbers[i]) & 0xffu
                                                     : static_cast<uint32_t>(numbers[i] + 8);
        words[place.vector * panel_outputs + n] |= bits << place.shift;
      }
    }
  }
}

// rows bf16 [16][padded in] -> one panel
void pack_bf16(const uint16_t* const* rows, int64_t in, std::byte* panel) {
  auto* words = reinterpret_cast<uint32_t*>(panel);
  for (int64_t pair = 0; pair < in / 2; ++pair, words += panel_outputs) {
    for (int64_t n = 0; n < panel_outputs; ++n) {
      uint32_t word;
      std::memcpy(&word, rows[n] + 2 * pair, sizeof(word));
      words[n] = word;
    }
  }
}

void unpack_panel(const Matrix& matrix, int64_t index, float* out) {
  const int64_t in = matrix.in();
  const std::byte* panel = matrix.data.data + index * panel_bytes(matrix.format, in);
  const int64_t outputs = std::min(panel_outputs, matrix.out() - index * panel_outputs);
  out += index * panel_outputs * in;
  for (int64_t n = 0; n < outputs; ++n) {
    for (int64_t k = 0; k < in; ++k) {
      const std::byte* group = panel + k / group_inputs * group_bytes(matrix.format);
      float& value = out[n * in + k];
      if (matrix.format == WeightFormat::bf16) {
        value = bf16_to_f32(reinterpret_cast<const uint16_t*>(panel)[(k / 2 * panel_outputs + n) * 2 + k % 2]);
        continue;
      }
      const int64_t i = k % group_inputs;
      const Place place = place_of(matrix.format, i);
      const uint32_t word =
          reinterpret_cast<const uint32_t*>(group + scale_bytes)[place.vector * panel_outputs + n] >> place.shift;
      const float scale = f16_to_f32(reinterpret_cast<const uint16_t*>(group)[i / block_inputs * panel_outputs + n]);
      const int number =
          matrix.format == WeightFormat::q8 ? static_cast<int8_t>(word & 0xffu) : static_cast<int>(word & 15u) - 8;
      value = scale * static_cast<float>(number);
    }
  }
}

}  // namespace

void pack(const TensorView& weight, WeightFormat format, std::byte* out) {
  const int64_t in = weight.shape[0] == 0 ? 0 : weight.shape.elements() / weight.shape[0];
  const int64_t padded = padded_inputs(in);
  parallel_shares(panels_of(weight.shape[0]), 1, [&](int64_t first, int64_t last) {
    std::vector<float> wide(static_cast<size_t>(panel_outputs * padded));
    std::vector<uint16_t> narrow_rows(format == WeightFormat::bf16 ? wide.size() : 0);
    const uint16_t* rows[panel_outputs];
    for (int64_t p = first; p < last; ++p) {
      const int64_t outputs = std::min(panel_outputs, weight.shape[0] - p * panel_outputs);
      std::byte* panel = out + p * panel_bytes(format, in);
      const bool as_it_is = weight.type == DataType::bf16 && format == WeightFormat::bf16 && in == padded;
      std::fill_n(wide.begin(), as_it_is ? 0 : wide.size(), 0.0f);
      for (int64_t n = 0; n < panel_outputs; ++n) {
        const int64_t row = p * panel_outputs + n;
        if (!as_it_is && n < outputs) widen_row(weight, row, wide.data() + n * padded);
        if (format != WeightFormat::bf16) continue;
        rows[n] = narrow_rows.data() + n * padded;
        if (as_it_is && n < outputs) {
          rows[n] = reinterpret_cast<const uint16_t*>(weight.data) + row * in;
        } else {
          for (int64_t k = 0; k < padded; ++k)
            narrow_rows[static_cast<size_t>(n * padded + k)] =
                as_it_is ? 0 : f32_to_bf16(wide[static_cast<size_t>(n * padded + k)]);
        }
      }
      if (format == WeightFormat::bf16) {
        pack_bf16(rows, padded, panel);
      } else {
        pack_quantized(wide.data(), padded, format, panel);
      }
    }
  });
}

void unpack(const Matrix& matrix, float* out) {
  parallel_for(panels_of(matrix.out()), [&](int64_t index) { unpack_panel(matrix, index, out); });
}

}  // namespace lectern::cpu
#endif
