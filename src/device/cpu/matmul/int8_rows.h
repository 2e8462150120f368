// Rows as numbers of eight bits, for products of quantized weights by AVX512-VNNI: blocks of 32 inputs with a common
// scale, as the weights' blocks have; x = scale * number.
#pragma once

#include <cstdint>

#include "device/cpu/matmul/panels.h"

namespace lectern::cpu {

class ProductRows;

struct Int8Block {
  int8_t numbers[block_inputs];  // in the order of the bytes that they are multiplied with; see panels.h
  float scale;
  // The weights' numbers are multiplied with 128 (q8) or 8 (q4) added: minus that times the sum of the numbers.
  int32_t correction;
};

// Number of blocks in a row with so many inputs.
constexpr int64_t int8_blocks(int64_t in) { return padded_inputs(in) / block_inputs; }

// Row `index` for weights of `format`, as all of its blocks. Runs only where avx512_level() is at least vnni.
void round_row(const ProductRows& rows, int64_t index, WeightFormat format, Int8Block* blocks);

}  // namespace lectern::cpu
