// The operators of an Ascend card, each a few calls of aclnn. What is said of them in device/operators.h and
// device/primitives.h holds; "half" is the card's 16-bit type, f16 or bf16.
#pragma once

#include "device/ascend/runtime/session.h"
#include "device/operator_table.h"

namespace lectern::ascend {

Session& session_of(Device& device);

// to = from, repeated where it is shorter and converted where the types differ.
void copy_view(Session& session, const View& to, const View& from);
// [out, in] as [in, out]; no copy.
inline View transposed(const TensorView& weight) { return View(weight).permuted({1, 0}); }
constexpr int8_t keep_types = 0;  // of aclnn's cubeMathType: no hidden rounding of f32
// Whether a product of such values may be written as f32 without being rounded first.
constexpr bool writes_wide_products(DataType type) { return type != DataType::bf16; }
// Pages of write_kv and paged_attention: for a 16-bit type, else as those of their replacements.
CacheFormat cache_format(DataType type, int kv_heads, int head_size);

// Whether the fused attention takes heads of this size.
constexpr bool fits_attention(int64_t head_size) { return head_size % 16 == 0 && head_size <= 512; }
// The fused attention without a cache: q, out [batch, rows, heads * head size], k, v [batch, keys, kv heads * head
// size], half; bias [batch, heads, rows, keys], half, or empty: softmax(scale * q k^T + bias) v.
struct FusedAttention {
  View queries, keys, values;
  View bias = {};
  int64_t heads = 1;
  int64_t kv_heads = 1;
  float scale = 1;
  View out;
};
void attend(Session& session, const FusedAttention& args);

// Of these, ascend_device.cpp takes those that the installed CANN can do; the others have no definition.
LECTERN_OPERATORS(LECTERN_DECLARE_KERNEL)

}  // namespace lectern::ascend
