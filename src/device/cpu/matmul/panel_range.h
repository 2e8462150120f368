// A part of a product with a packed weight, for one thread, and the kernels that multiply it; kernel_list.cpp says
// which of them does.
//
// In every kernel the sums of a row are made in one order, by the same instructions, wherever the row stands and
// whichever rows are beside it: a row's result depends on the row alone.
#pragma once

#include "device/cpu/matmul/int8_rows.h"
#include "device/cpu/matmul/panel_products.h"

namespace lectern::cpu {

// Panels first .. last - 1 with rows from .. to - 1 of the product's.
struct PanelRange {
  const PanelProduct* product;
  int64_t first, last;
  int64_t from, to;
  const Int8Block* bytes = nullptr;  // the product's rows, one after the other, where the kernel takes bytes
};

namespace int8 {
void multiply(const PanelRange& range);  // quantized weights
}  // namespace int8

namespace bf16 {
void multiply_rows(const PanelRange& range);   // weights of bf16, each read once
void multiply_tiles(const PanelRange& range);  // packed weights, of which the quantized are widened once
}  // namespace bf16

// Sums of f32 by what Highway knows.
namespace f32 {
void multiply_dots(const PanelRange& range);   // weights as their checkpoint has them, each read once
void multiply_rows(const PanelRange& range);   // packed weights, widened in registers
void multiply_tiles(const PanelRange& range);  // all weights, widened once
}  // namespace f32

}  // namespace lectern::cpu
