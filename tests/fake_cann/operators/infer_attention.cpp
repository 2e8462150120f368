// FusedInferAttentionScore, PromptFlashAttention, IncreFlashAttention: section 3.9.
#include "aclnnop/aclnn_fused_infer_attention_score_v2.h"
#include "aclnnop/aclnn_fused_infer_attention_score_v3.h"
#include "aclnnop/aclnn_incre_flash_attention_v4.h"
#include "aclnnop/aclnn_prompt_flash_attention_v3.h"
#include "fake_cann/operators/fused_attention.h"

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnFusedInferAttentionScoreV2GetWorkspaceSize(
    const aclTensor* query, const aclTensorList* key, const aclTensorList* value, const aclTensor* pseShiftOptional,
    const aclTensor* attenMaskOptional, const aclIntArray* actualSeqLengthsOptional,
    const aclIntArray* actualSeqLengthsKvOptional, const aclTensor* deqScale1Optional,
    const aclTensor* quantScale1Optional, const aclTensor* deqScale2Optional, const aclTensor* quantScale2Optional,
    const aclTensor* quantOffset2Optional, const aclTensor* antiquantScaleOptional,
    const aclTensor* antiquantOffsetOptional, const aclTensor* blockTableOptional,
    const aclTensor* queryPaddingSizeOptional, const aclTensor* kvPaddingSizeOptional,
    const aclTensor* keyAntiquantScaleOptional, const aclTensor* keyAntiquantOffsetOptional,
    const aclTensor* valueAntiquantScaleOptional, const aclTensor* valueAntiquantOffsetOptional,
    const aclTensor* keySharedPrefixOptional, const aclTensor* valueSharedPrefixOptional,
    const aclIntArray* actualSharedPrefixLenOptional, int64_t numHeads, double scaleValue, int64_t preTokens,
    int64_t nextTokens, char* inputLayout, int64_t numKeyValueHeads, int64_t sparseMode, int64_t innerPrecise,
    int64_t blockSize, int64_t antiquantMode, bool softmaxLseFlag, int64_t keyAntiquantMode, int64_t valueAntiquantMode,
    const aclTensor* attentionOut, const aclTensor* softmaxLse, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnFusedInferAttentionScoreV2", workspaceSize, executor, [&](Operation& op) {
    for (const void* unused :
         {static_cast<const void*>(deqScale1Optional), static_cast<const void*>(quantScale1Optional),
          static_cast<const void*>(deqScale2Optional), static_cast<const void*>(quantScale2Optional),
          static_cast<const void*>(quantOffset2Optional), static_cast<const void*>(antiquantScaleOptional),
          static_cast<const void*>(antiquantOffsetOptional), static_cast<const void*>(queryPaddingSizeOptional),
          static_cast<const void*>(kvPaddingSizeOptional), static_cast<const void*>(keyAntiquantScaleOptional),
          static_cast<const void*>(keyAntiquantOffsetOptional), static_cast<const void*>(valueAntiquantScaleOptional),
          static_cast<const void*>(valueAntiquantOffsetOptional), static_cast<const void*>(keySharedPrefixOptional),
          static_cast<const void*>(valueSharedPrefixOptional),
          static_cast<const void*>(actualSharedPrefixLenOptional)}) {
      op.absent(unused, "a tensor for quantisation, padding or prefixes");
    }
    op.require(antiquantMode == 0 && keyAntiquantMode == 0 && valueAntiquantMode == 0, "antiquant modes are 0");
    fused_attention(op, {.query = query,
                         .key = key,
                         .value = value,
                         .single_key = nullptr,
                         .single_value = nullptr,
                         .shift = pseShiftOptional,
                         .mask = attenMaskOptional,
                         .table = blockTableOptional,
                         .lengths = actualSeqLengthsOptional,
                         .key_lengths = actualSeqLengthsKvOptional,
                         .heads = numHeads,
                         .scale = scaleValue,
                         .previous = preTokens,
                         .next = nextTokens,
                         .layout = inputLayout,
                         .key_heads = numKeyValueHeads,
                         .sparse_mode = sparseMode,
                         .inner_precise = innerPrecise,
                         .block_size = blockSize,
                         .with_sums = softmaxLseFlag,
                         .out = attentionOut,
                         .sums = softmaxLse,
                         .incremental_only = false,
                         .prompt_only = false});
  });
}
SECOND_CALL(aclnnFusedInferAttentionScoreV2)

aclnnStatus aclnnFusedInferAttentionScoreV3GetWorkspaceSize(
    const aclTensor* query, const aclTensorList* key, const aclTensorList* value, const aclTensor* pseShiftOptional,
    const aclTensor* attenMaskOptional, const aclIntArray* actualSeqLengthsOptional,
    const aclIntArray* actualSeqLengthsKvOptional, const aclTensor* deqScale1Optional,
    const aclTensor* quantScale1Optional, const aclTensor* deqScale2Optional, const aclTensor* quantScale2Optional,
    const aclTensor* quantOffset2Optional, const aclTensor* antiquantScaleOptional,
    const aclTensor* antiquantOffsetOptional, const aclTensor* blockTableOptional,
    const aclTensor* queryPaddingSizeOptional, const aclTensor* kvPaddingSizeOptional,
    const aclTensor* keyAntiquantScaleOptional, const aclTensor* keyAntiquantOffsetOptional,
    const aclTensor* valueAntiquantScaleOptional, const aclTensor* valueAntiquantOffsetOptional,
    const aclTensor* keySharedPrefixOptional, const aclTensor* valueSharedPrefixOptional,
    const aclIntArray* actualSharedPrefixLenOptional, const aclTensor* queryRopeOptional,
    const aclTensor* keyRopeOptional, const aclTensor* keyRopeAntiquantScaleOptional, int64_t numHeads,
    double scaleValue, int64_t preTokens, int64_t nextTokens, char* inputLayout, int64_t numKeyValueHeads,
    int64_t sparseMode, int64_t innerPrecise, int64_t blockSize, int64_t antiquantMode, bool softmaxLseFlag,
    int64_t keyAntiquantMode, int64_t valueAntiquantMode, const aclTensor* attentionOut, const aclTensor* softmaxLse,
    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnFusedInferAttentionScoreV3", workspaceSize, executor, [&](Operation& op) {
    for (const void* unused :
         {static_cast<const void*>(deqScale1Optional), static_cast<const void*>(quantScale1Optional),
          static_cast<const void*>(deqScale2Optional), static_cast<const void*>(quantScale2Optional),
          static_cast<const void*>(quantOffset2Optional), static_cast<const void*>(antiquantScaleOptional),
          static_cast<const void*>(antiquantOffsetOptional), static_cast<const void*>(queryPaddingSizeOptional),
          static_cast<const void*>(kvPaddingSizeOptional), static_cast<const void*>(keyAntiquantScaleOptional),
          static_cast<const void*>(keyAntiquantOffsetOptional), static_cast<const void*>(valueAntiquantScaleOptional),
          static_cast<const void*>(valueAntiquantOffsetOptional), static_cast<const void*>(keySharedPrefixOptional),
          static_cast<const void*>(valueSharedPrefixOptional), static_cast<const void*>(actualSharedPrefixLenOptional),
          static_cast<const void*>(queryRopeOptional), static_cast<const void*>(keyRopeOptional),
          static_cast<const void*>(keyRopeAntiquantScaleOptional)}) {
      op.absent(unused, "a tensor for quantisation, padding, prefixes or rotation");
    }
    op.require(antiquantMode == 0 && keyAntiquantMode == 0 && valueAntiquantMode == 0, "antiquant modes are 0");
    fused_attention(op, {.query = query,
                         .key = key,
                         .value = value,
                         .single_key = nullptr,
                         .single_value = nullptr,
                         .shift = pseShiftOptional,
                         .mask = attenMaskOptional,
                         .table = blockTableOptional,
                         .lengths = actualSeqLengthsOptional,
                         .key_lengths = actualSeqLengthsKvOptional,
                         .heads = numHeads,
                         .scale = scaleValue,
                         .previous = preTokens,
                         .next = nextTokens,
                         .layout = inputLayout,
                         .key_heads = numKeyValueHeads,
                         .sparse_mode = sparseMode,
                         .inner_precise = innerPrecise,
                         .block_size = blockSize,
                         .with_sums = softmaxLseFlag,
                         .out = attentionOut,
                         .sums = softmaxLse,
                         .incremental_only = false,
                         .prompt_only = false});
  });
}
SECOND_CALL(aclnnFusedInferAttentionScoreV3)

aclnnStatus aclnnPromptFlashAttentionV3GetWorkspaceSize(
    const aclTensor* query, const aclTensor* key, const aclTensor* value, const aclTensor* pseShift,
    const aclTensor* attenMask, const aclIntArray* actualSeqLengths, const aclIntArray* actualSeqLengthsKv,
    const aclTensor* deqScale1, const aclTensor* quantScale1, const aclTensor* deqScale2, const aclTensor* quantScale2,
    const aclTensor* quantOffset2, int64_t numHeads, double scaleValue, int64_t preTokens, int64_t nextTokens,
    char* inputLayout, int64_t numKeyValueHeads, int64_t sparseMode, int64_t innerPrecise,
    const aclTensor* attentionOut, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnPromptFlashAttentionV3", workspaceSize, executor, [&](Operation& op) {
    for (const aclTensor* unused : {deqScale1, quantScale1, deqScale2, quantScale2, quantOffset2}) {
      op.absent(unused, "a tensor for quantisation");
    }
    if (key == nullptr || value == nullptr) fail(null_operand, "aclnnPromptFlashAttentionV3: key or value is null");
    fused_attention(op, {.query = query,
                         .key = nullptr,
                         .value = nullptr,
                         .single_key = key,
                         .single_value = value,
                         .shift = pseShift,
                         .mask = attenMask,
                         .table = nullptr,
                         .lengths = actualSeqLengths,
                         .key_lengths = actualSeqLengthsKv,
                         .heads = numHeads,
                         .scale = scaleValue,
                         .previous = preTokens,
                         .next = nextTokens,
                         .layout = inputLayout,
                         .key_heads = numKeyValueHeads,
                         .sparse_mode = sparseMode,
                         .inner_precise = innerPrecise,
                         .block_size = 0,
                         .with_sums = false,
                         .out = attentionOut,
                         .sums = nullptr,
                         .incremental_only = false,
                         .prompt_only = true});
  });
}
SECOND_CALL(aclnnPromptFlashAttentionV3)

aclnnStatus aclnnIncreFlashAttentionV4GetWorkspaceSize(
    const aclTensor* query, const aclTensorList* key, const aclTensorList* value, const aclTensor* pseShift,
    const aclTensor* attenMask, const aclIntArray* actualSeqLengths, const aclTensor* dequantScale1,
    const aclTensor* quantScale1, const aclTensor* dequantScale2, const aclTensor* quantScale2,
    const aclTensor* quantOffset2, const aclTensor* antiquantScale, const aclTensor* antiquantOffset,
    const aclTensor* blocktable, const aclTensor* kvPaddingSize, int64_t numHeads, double scaleValue, char* inputLayout,
    int64_t numKeyValueHeads, int64_t blockSize, int64_t innerPrecise, const aclTensor* attentionOut,
    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnIncreFlashAttentionV4", workspaceSize, executor, [&](Operation& op) {
    for (const aclTensor* unused : {dequantScale1, quantScale1, dequantScale2, quantScale2, quantOffset2,
                                    antiquantScale, antiquantOffset, kvPaddingSize}) {
      op.absent(unused, "a tensor for quantisation or padding");
    }
    fused_attention(op, {.query = query,
                         .key = key,
                         .value = value,
                         .single_key = nullptr,
                         .single_value = nullptr,
                         .shift = pseShift,
                         .mask = attenMask,
                         .table = blocktable,
                         .lengths = nullptr,
                         .key_lengths = actualSeqLengths,
                         .heads = numHeads,
                         .scale = scaleValue,
                         .previous = unlimited_tokens,
                         .next = unlimited_tokens,
                         .layout = inputLayout,
                         .key_heads = numKeyValueHeads,
                         .sparse_mode = 0,
                         .inner_precise = innerPrecise,
                         .block_size = blockSize,
                         .with_sums = false,
                         .out = attentionOut,
                         .sums = nullptr,
                         .incremental_only = true,
                         .prompt_only = false});
  });
}
SECOND_CALL(aclnnIncreFlashAttentionV4)

}  // extern "C"
