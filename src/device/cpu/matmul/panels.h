// The layout of bf16, q8 and q4 weights: panels of 16 outputs, so that one vector of 32-bit words holds the weights of
// all 16 for a pair of inputs, or of several pairs. A product with one row or with many reads a panel from its
// beginning to its end, once.
//
// A weight [out, in] is padded with zeros to multiples of 16 outputs and of 64 inputs. Its panels follow one another.
//   bf16: for every pair of inputs 16 words; the low half of word n belongs to input 2 i of output n, the high half to
//         input 2 i + 1.
//   q8, q4: for every 64 inputs the scales of their blocks (device/quantization.h), f16 [2 blocks][16 outputs], then
//         the numbers in words [vectors][16 outputs]:
//     q8: int8. Byte 2 h + b of the word of vector v is input 4 v + 2 b + h. 16 vectors.
//     q4: bits 16 h + 4 b .. + 3 of the word of vector v are input 8 v + 2 b + h, as number + 8. 8 vectors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor.h"
#include "device/quantization.h"

namespace lectern::cpu {

inline constexpr int64_t panel_outputs = 16;
inline constexpr int64_t group_inputs = 64;  // two blocks
inline constexpr int64_t scale_bytes = 64;   // of a group of a panel

constexpr int64_t padded_inputs(int64_t in) { return (in + group_inputs - 1) / group_inputs * group_inputs; }
constexpr int64_t panels_of(int64_t out) { return (out + panel_outputs - 1) / panel_outputs; }

// Bytes of 64 inputs of a packed panel.
constexpr int64_t group_bytes(WeightFormat format) {
  switch (format) {
    case WeightFormat::q8: return scale_bytes + panel_outputs * group_inputs;
    case WeightFormat::q4: return scale_bytes + panel_outputs * group_inputs / 2;
    default: return panel_outputs * group_inputs * 2;
  }
}
constexpr int64_t panel_bytes(WeightFormat format, int64_t in) {
  return padded_inputs(in) / group_inputs * group_bytes(format);
}

// weight [out, in] f32, f16 or bf16 -> panels; `out` has panels_of(out) * panel_bytes bytes. Of every panel it is
// quantized and laid out at once.
void pack(const TensorView& weight, WeightFormat format, std::byte* out);
void pack(const WeightValues& weight, std::byte* out);
// Of panels.
WeightValues unpack(const Weight& matrix);

// Panels that are there as a matrix, without a copy. Throws Error where there are too many bytes or too few.
Weight attach(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format);

}  // namespace lectern::cpu
