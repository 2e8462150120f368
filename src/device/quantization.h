// Weights in their format (WeightFormat): which numbers they are kept as, apart from how a device lays these out.
//
// bf16: every value is rounded to bf16. q8, q4: 32 inputs of one output, a block, have a common scale, f16, and value =
// scale * number; the last block of an output is filled up with zeros. q8: numbers are -127 .. 127, and the scale is
// that at which the largest value just fits. q4: -8 .. 7, and of the scales near that one it is the one that loses
// least. Scales beyond f16's range become its largest.
#pragma once

#include <cstdint>
#include <vector>

#include "core/range.h"
#include "core/tensor.h"
#include "device/operators/operators.h"

namespace lectern {

inline constexpr int64_t block_inputs = 32;  // with one scale

constexpr bool is_quantized(WeightFormat format) { return format == WeightFormat::q8 || format == WeightFormat::q4; }
constexpr int64_t blocks_of(int64_t in) { return (in + block_inputs - 1) / block_inputs; }

// A weight [out, in] of format bf16, q8 or q4.
struct WeightValues {
  WeightFormat format = WeightFormat::bf16;
  int64_t out = 0;
  int64_t in = 0;
  std::vector<uint16_t> values;  // bf16 [out, in]; of bf16 alone, as what follows is of the others
  std::vector<uint16_t> scales;  // f16 [out, blocks]
  std::vector<int8_t> numbers;   // [out, blocks * block_inputs]

  // Room for what the format has.
  void resize();
};

// Some rows and columns of a weight, with the numbers that they have in the whole. Of blocks that are touched all
// columns are kept, those that are no part as zeros, so that before_part(...) of them come first.
WeightValues part_of(const WeightValues& weight, const Range& rows, const Range& columns);
constexpr int64_t before_part(WeightFormat format, const Range& columns) {
  return is_quantized(format) ? columns.first % block_inputs : 0;
}

// Of a weight [out, in] of type f32, f16 or bf16.
WeightValues quantize(const TensorView& weight, WeightFormat format);

}  // namespace lectern
