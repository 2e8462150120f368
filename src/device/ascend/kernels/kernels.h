// The operators of an Ascend card, each a few calls of aclnn. What is said of them in device/operators/operators.h and
// device/operators/primitives.h holds; "half" is the card's 16-bit type, f16 or bf16.
#pragma once

#include "device/ascend/runtime/session.h"
#include "device/device.h"
#include "device/operators/operator_table.h"

namespace lectern::ascend {

Session& session_of(Device& device);

// to = from, repeated where it is shorter and converted where the types differ.
void copy_view(Session& session, const View& to, const View& from);
// [out, in] as [in, out]; no copy.
inline View transposed(const TensorView& weight) { return View(weight).permuted({1, 0}); }
constexpr int8_t keep_types = 0;  // of aclnn's cubeMathType: no hidden rounding of f32
// Whether a product of such values may be written as f32 without being rounded first. As far as it is known: a product
// of f16 may still be refused.
inline bool writes_wide_products(const Session& session, DataType type) {
  return type == DataType::f32 || (type == DataType::f16 && session.widens_products());
}
// out = a b, by aclnnMatmul; an out of f32 for narrower factors is rounded to their type on the way where CANN does not
// write it (bf16; f16 before 8.5).
void product(Device& device, const View& a, const View& b, const View& out);

// A small f32 tensor of weights in another type, made once as long as it is a block of memory of its own.
class Narrowed {
 public:
  Narrowed(Device& device, const TensorView& weight, DataType type);
  const View& view() const { return view_; }

 private:
  Tensor own_;
  View view_;
};
// What is made of a weight: Session::derived.
enum Derived : uint64_t { narrow_copy = 1, reversed_tables = 2, padded_rows = 3 };
// Pages of write_kv and paged_attention: for a 16-bit type, else as those of their replacements.
CacheFormat cache_format(DataType type, int kv_heads, int head_size);

// Whether the fused attention takes heads of this size.
constexpr bool fits_attention(int64_t head_size) { return head_size % 16 == 0 && head_size <= 512; }
// The fused attention without a cache: q, out [batch, rows, heads * head size], k, v [batch, keys, kv heads * head
// size], half; bias [batch, heads, rows, keys], half, or empty: softmax(scale * q k^T + bias) v. Of `key_lengths`, one
// a batch, or none for all keys. Causal: the rows are the last of the keys, and each sees those up to itself. Of bias,
// lengths and causal there is one at most.
struct FusedAttention {
  View queries, keys, values;
  View bias = {};
  int64_t heads = 1;
  int64_t kv_heads = 1;
  float scale = 1;
  View out;
  std::span<const int64_t> key_lengths = {};
  bool causal = false;
};
void attend(Session& session, const FusedAttention& args);
// What hides from a row the keys behind it, for as many rows and keys as there may be.
View causal_mask(Session& session);

// The keys of all rows of a step, then the values, [2 * rows, width], into their places of a cache; false, and nothing
// is done, where write_kv has to.
bool write_both(Device& device, const StepBatch& step, const CacheLayer& cache, const TensorView& both);
// The sum that ExpertsArgs adds to out, [rows, hidden]. The router is multiplied with `gated`, of its type or not.
Tensor experts_sum(Device& device, const ExpertsArgs& args, const TensorView& gated);
// rope of a step's queries and keys, in one call where that is possible.
void rope_both(Device& device, const RopeArgs& queries, const RopeArgs& keys);
// silu(gate) * up of both side by side, [rows, 2 * inner].
Tensor gated(Device& device, const TensorView& both);

// Of these, ascend_device.cpp takes those that the installed CANN can do; the others have no definition.
LECTERN_OPERATORS(LECTERN_DECLARE_KERNEL)

}  // namespace lectern::ascend
