// A part of a product with a packed weight, for one thread; see panel_products.cpp.
#pragma once

#include "device/cpu/matmul/panel_products.h"

namespace lectern::cpu {

class ByteRows;

// Panels first .. last - 1 with rows from .. to - 1 of the product's.
struct PanelRange {
  const PanelProduct* product;
  int64_t first, last;
  int64_t from, to;
  const ByteRows* bytes = nullptr;  // the product's rows, for int8::multiply_range
};

namespace bf16 {
// Runs only where has_bf16_products() is true. Few rows of quantized weights are for int8.
void multiply_range(const PanelRange& range);
}  // namespace bf16

namespace int8 {
// Quantized weights. Runs only where has_int8_products() is true.
void multiply_range(const PanelRange& range);
}  // namespace int8

}  // namespace lectern::cpu
