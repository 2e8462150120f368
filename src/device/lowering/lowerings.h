// Exact replacements for operators that a device lacks, each made of others: a file for every concept. What replaces
// what, and which way is taken where there are several, is in lowerings.cpp.
#pragma once

#include "device/device.h"
#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern::lowering {

// One for every operator; those that nothing replaces have no definition.
LECTERN_OPERATORS(LECTERN_DECLARE_KERNEL)

// The two ways of masked_scatter.
void masked_scatter_by_index(Device&, const MaskedScatterArgs&);
void masked_scatter_by_sum(Device&, const MaskedScatterArgs&);
// Of write_kv and paged_attention as replaced here.
CacheFormat cache_format(int kv_heads, int head_size);

// Copies the rows of pictures to where a step has them.
void place_pictures(Device&, const EmbedArgs&);

// Added to the score of what is not seen: far below any, and no infinity.
inline constexpr float invisible = -1e30f;

// `values` [...] repeated along more leading extents, or along the last one, as the strides say.
inline StridedView repeated(const TensorView& values, const Shape& shape, std::initializer_list<int64_t> strides) {
  return {values, 0, shape, strides};
}

}  // namespace lectern::lowering
