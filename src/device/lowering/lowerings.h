// Exact replacements for operators that a device lacks, each made of others: a file for every concept. What replaces
// what, and which way is taken where there are several, is in lowerings.cpp.
#pragma once

#include "device/device.h"
#include "device/host_values.h"

namespace lectern::lowering {

// convolution.cpp
void conv2d(Device&, const Conv2dArgs&);
void unfold(Device&, const UnfoldArgs&);
// linear.cpp
void linear(Device&, const LinearArgs&);
void activate(Device&, const ActivateArgs&);
void grouped_linear(Device&, const GroupedLinearArgs&);
// norms.cpp
void layer_norm(Device&, const NormArgs&);
void rms_norm(Device&, const NormArgs&);
void softmax(Device&, const LineArgs&);
// encoder_attention.cpp
void attention(Device&, const AttentionArgs&);
// cache.cpp
CacheFormat cache_format(int kv_heads, int head_size);
void store(Device&, const StoreArgs&);
void paged_attention(Device&, const PagedAttentionArgs&);
// rope.cpp
void rope(Device&, const RopeArgs&);
// experts.cpp
void experts(Device&, const ExpertsArgs&);
void top_k(Device&, const TopKArgs&);
void sort(Device&, const SortArgs&);
// rows.cpp
void gather(Device&, const GatherArgs&);
void gather_rows(Device&, const RowsArgs&);
void scatter_rows(Device&, const RowsArgs&);
void scatter_add(Device&, const RowsArgs&);
// masks.cpp
void masked_scatter_by_index(Device&, const MaskedScatterArgs&);
void masked_scatter_by_sum(Device&, const MaskedScatterArgs&);
void cumulative_sum(Device&, const LineArgs&);
void select(Device&, const SelectArgs&);
// elementwise.cpp
void copy(Device&, const CopyArgs&);
void add(Device&, const BinaryArgs&);
void multiply(Device&, const BinaryArgs&);
void minus(Device&, const PairArgs&);
void pixels(Device&, const PixelsArgs&);

// `values` [...] repeated along more leading extents, or along the last one, as the strides say.
inline StridedView repeated(const TensorView& values, const Shape& shape, std::initializer_list<int64_t> strides) {
  return {values, 0, shape, strides};
}

}  // namespace lectern::lowering
