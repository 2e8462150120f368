// A part of a product with a packed weight, for one thread; see panel_products.cpp.
#pragma once

#include "device/cpu/panel_products.h"

namespace lectern::cpu {

// Panels first .. last - 1 with rows from .. to - 1 of the product's.
struct PanelRange {
  const PanelProduct* product;
  int64_t first, last;
  int64_t from, to;
};

// Products of at most so many rows read panels as they are kept; for more, quantized panels are widened first.
inline constexpr int64_t few_rows = 16;

namespace bf16 {
// Runs only where has_bf16_products() is true.
void multiply_range(const PanelRange& range);
}  // namespace bf16

}  // namespace lectern::cpu
