// The operators of aclnn that Lectern calls, with their prototypes. They are declared here rather than taken from the
// toolkit's headers, because no version of CANN has a header for all of them; prototypes.cpp compares the two.
#pragma once

#include <cstdint>
#include <vector>

#include "device/ascend/runtime/library.h"

namespace lectern::ascend {

// An operator is called in two steps: the first checks, plans and says what workspace it wants, the second runs it.
template <typename... Parameters>
struct Function {
  using Prepare = aclnnStatus (*)(Parameters..., uint64_t* workspace_size, aclOpExecutor** executor);
  using Run = aclnnStatus (*)(void* workspace, uint64_t workspace_size, aclOpExecutor* executor, aclrtStream stream);

  const char* name = "";
  Prepare prepare = nullptr;
  Run run = nullptr;

  explicit operator bool() const { return prepare != nullptr; }
};

using In = const aclTensor*;
using Out = aclTensor*;
using Inputs = const aclTensorList*;
using Outputs = aclTensorList*;
using Integers = const aclIntArray*;
using Number = const aclScalar*;

// A function is false when CANN lacks one of its two symbols.
struct Functions {
  explicit Functions(const Library& library);

  Function<In, In, Out, int8_t> matmul;
  Function<In, In, In, Number, Number, Out, int8_t> addmm;
  Function<Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, In, Inputs, Inputs, Inputs, int64_t, int64_t,
           int64_t, int64_t, Outputs, Outputs, Outputs>
      grouped_matmul_v4;
  Function<Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, Inputs, In, Inputs, Inputs, Inputs, int64_t, int64_t,
           int64_t, int64_t, aclIntArray*, Outputs, Outputs, Outputs>
      grouped_matmul_v5;

  Function<In, Integers, Integers, Integers, Integers, Out> im2col;  // kernel, dilation, padding, stride
  Function<In, Integers, In, In, double, Out, Out, Out> layer_norm;
  Function<In, In, double, In, In> rms_norm;
  Function<In, In, In, double, In, In, In> add_rms_norm;  // x, what is added, weight -> norm, factors, sum

  Function<In, int64_t, Out> gelu;  // GeluV2; 0 is the exact one
  Function<In, Out> fast_gelu;
  Function<In, Number, Out> swish;
  Function<In, Out> silu;
  Function<In, int64_t, In> swi_glu;

  Function<In, In, Out> mul;
  Function<In, In, Out> div;
  Function<Out, Number> inplace_muls;
  Function<In, In, Number, Out> add;
  Function<In, In, Number> inplace_add;
  Function<In, Number, Number> inplace_adds;
  Function<In, aclDataType, Out> cast;
  Function<Out, In> inplace_copy;

  Function<In, int64_t, Out> softmax;
  Function<In, int64_t, Out> log_softmax;
  Function<In, int64_t, bool, Out> argmax;
  Function<In, int64_t, int64_t, bool, bool, Out, Out> topk;
  Function<In, int64_t, In, Out> index_select;
  Function<In, int64_t, In, Out> gather;  // element by element
  Function<Out, int64_t, In, In> inplace_index_copy;
  Function<Out, In, In> scatter_nd_update;  // rows; as that, and it can be repeated

  // query, key, value, bias, mask, lengths, lengths of keys, two scales of query, ... to the shared prefix's length
  Function<In, Inputs, Inputs, In, In, Integers, Integers, In, In, In, In, In, In, In, In, In, In, In, In, In, In, In,
           In, Integers, int64_t, double, int64_t, int64_t, char*, int64_t, int64_t, int64_t, int64_t, int64_t, bool,
           int64_t, int64_t, In, In>
      fused_attention;  // FusedInferAttentionScoreV2
  Function<In, In, In, In, In, Integers, Integers, In, In, In, In, In, int64_t, double, int64_t, int64_t, char*,
           int64_t, int64_t, int64_t, In>
      prompt_attention;  // PromptFlashAttentionV3

  Function<Out, Out, In, In, int64_t> apply_rotary;
  Function<In, In, In, int64_t, Out> rotary;  // RotaryPositionEmbedding

  Function<In, In, int64_t, In, In, In> moe_gating;  // MoeGatingTopKSoftmax
  Function<In, In, int64_t, int64_t, int64_t, int64_t, int64_t, bool, In, In, In, In> moe_routing;
  Function<In, In, In, bool, Integers, In> moe_unpermute;

  // Every function with its name and whether it is there, in the order above.
  struct Presence {
    const char* name;
    bool present;
  };
  std::vector<Presence> presence;
};

}  // namespace lectern::ascend
