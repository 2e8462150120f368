// Rows as numbers of eight bits, for products of quantized weights by AVX512-VNNI: blocks of 32 inputs with a common
// scale, as the weights' blocks have; x = scale * number.
#pragma once

#include <cstdint>
#include <vector>

#include "device/cpu/matmul/panel_products.h"

namespace lectern::cpu {

class ByteRows {
 public:
  struct Block {
    int8_t numbers[32] = {};  // in the order of the bytes that they are multiplied with; see panels.h
    float scale = 0;
    // The weights' numbers are multiplied with 128 (q8) or 8 (q4) added: minus that times the sum of the numbers.
    int32_t correction = 0;
  };

  // Runs only where has_int8_products() is true.
  ByteRows(const ProductRows& rows, WeightFormat format);

  const Block* row(int64_t index) const { return blocks_.data() + index * blocks_of_row_; }
  int64_t blocks_of_row() const { return blocks_of_row_; }

 private:
  std::vector<Block> blocks_;
  int64_t blocks_of_row_;
};

}  // namespace lectern::cpu
