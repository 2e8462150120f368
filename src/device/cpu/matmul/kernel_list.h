// Choice of the kernel that multiplies rows with weights, by kind of row, format of weights and processor.
#pragma once

#include <cstdint>
#include <span>

#include "core/data_type.h"
#include "device/operators/operators.h"

namespace lectern::cpu {

// AVX-512 extensions of this processor that Highway's targets lack here; each level includes those before it.
enum class Avx512 : uint8_t {
  none,
  vnni,  // sums of four products of bytes in one instruction
  bf16,  // sums of two products of bf16 in one instruction
};
Avx512 avx512_level();
// For tests: no level above this one is used.
void limit_avx512(Avx512 highest);

// What a row is of; see LinearArgs. It chooses the kernel, and the number of rows never does.
enum class RowKind : uint8_t { written, prompt };

struct PanelRange;

struct PanelKernel {
  const char* name;
  Avx512 needs;  // the lowest level that it runs on
  RowKind kind;
  bool (*takes)(WeightFormat format);
  bool int8_rows;  // rows come as Int8Rows
  void (*multiply)(const PanelRange& range);
};
// All kernels; the first that fits is used.
std::span<const PanelKernel> panel_kernels();
const PanelKernel& kernel_for(RowKind kind, WeightFormat format);

// The form of the rows that kernels for this format take, or make bytes of.
DataType row_type(WeightFormat format);

}  // namespace lectern::cpu
