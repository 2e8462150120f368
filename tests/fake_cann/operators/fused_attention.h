// Attention for inference, as its three interfaces share it. Section 3.9.
#pragma once

#include "fake_cann/operators/operation.h"

namespace fake_cann {

constexpr int64_t unlimited_tokens = 2147483647;

struct FusedArguments {
  const aclTensor* query;
  const aclTensorList* key;
  const aclTensorList* value;
  const aclTensor *single_key, *single_value;  // where the interface has no lists
  const aclTensor *shift, *mask, *table;
  const aclIntArray *lengths, *key_lengths;
  int64_t heads;
  double scale;
  int64_t previous, next;
  const char* layout;
  int64_t key_heads, sparse_mode, inner_precise, block_size;
  bool with_sums;
  const aclTensor *out, *sums;
  bool incremental_only, prompt_only;
};

// Checks the operands and sets the work.
void fused_attention(Operation& op, const FusedArguments& arguments);

}  // namespace fake_cann
