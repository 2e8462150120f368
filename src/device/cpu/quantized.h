// Weights of 8 and 4 bits. The columns of a row are padded with zeros to a multiple of 128 and cut into blocks of 32,
// each with a scale: weight = scale * number. A row is its scales, f16 [blocks], then its numbers:
//   q8: int8 [columns], -127 .. 127.
//   q4: for every 128 columns 16 little-endian words of 32 bits; bits 4 j .. 4 j + 3 of word i hold column 16 j + i,
//       as number + 8, with number in -8 .. 7. So one vector of words yields eight vectors of weights by shifts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor.h"
#include "device/operators.h"

namespace lectern::cpu {

inline constexpr int64_t block_columns = 32;
inline constexpr int64_t group_columns = 128;

constexpr bool is_quantized(WeightFormat format) { return format == WeightFormat::q8 || format == WeightFormat::q4; }

constexpr int64_t padded_columns(int64_t columns) {
  return (columns + group_columns - 1) / group_columns * group_columns;
}
constexpr int64_t scale_bytes(int64_t columns) { return padded_columns(columns) / block_columns * 2; }

// Bytes of a row of q8 or q4.
constexpr int64_t row_bytes(WeightFormat format, int64_t columns) {
  return scale_bytes(columns) + (format == WeightFormat::q8 ? padded_columns(columns) : padded_columns(columns) / 2);
}

// weight [out, in] f32, f16 or bf16 -> u8 [out, row_bytes]; `out` has that size.
void quantize(const TensorView& weight, WeightFormat format, std::byte* out);

// A matrix of q8 or q4 as bf16 [out, in].
void unpack(const Matrix& matrix, uint16_t* out);

}  // namespace lectern::cpu
