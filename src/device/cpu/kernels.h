// The CPU's operators: of the list of all that a device may have, those that cpu_device.cpp does not leave out. Each
// that takes long is compiled for every instruction set that Highway knows here and chosen at run time.
#pragma once

#include <span>

#include "device/operators/operator_table.h"

namespace lectern::cpu {

// out f32 = in (f32, f16 or bf16), of the same number of elements.
void widen(const TensorView& in, float* out);
// The same for one entry of the leading extent, on this thread alone.
void widen_row(const TensorView& in, int64_t row, float* out);
// One entry of the leading extent of f32 or bf16 as bf16, on this thread alone: to nearest, ties to even; infinities
// stay, of a NaN nothing is promised.
void narrow_row(const TensorView& in, int64_t row, uint16_t* out);
// x[i] = activation(x[i])
void activate(Activation activation, float* x, int64_t count);

// The cache is of bf16 beside narrower weights where avx512_level() is bf16, see bf16_attention-inl.h, and otherwise of
// f32: pages then hold for every kv head the keys, transposed [head size, page_tokens], then for every kv head the
// values [page_tokens, head size padded to 16].
inline constexpr int page_tokens = 64;
CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format);

LECTERN_OPERATORS(LECTERN_DECLARE_KERNEL)

}  // namespace lectern::cpu
