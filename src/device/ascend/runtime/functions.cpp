#include "device/ascend/runtime/functions.h"

#include <string>

namespace lectern::ascend {

Functions::Functions(const Library& library) {
  const auto find = [&](auto& function, const char* name) {
    using Found = std::remove_reference_t<decltype(function)>;
    function.name = name;
    function.prepare =
        reinterpret_cast<typename Found::Prepare>(library.find((std::string(name) + "GetWorkspaceSize").c_str()));
    function.run = reinterpret_cast<typename Found::Run>(library.find(name));
    if (function.run == nullptr) function.prepare = nullptr;
    presence.push_back({name, static_cast<bool>(function)});
  };
  find(matmul, "aclnnMatmul");
  find(addmm, "aclnnAddmm");
  find(grouped_matmul_v4, "aclnnGroupedMatmulV4");
  find(grouped_matmul_v5, "aclnnGroupedMatmulV5");
  find(im2col, "aclnnIm2col");
  find(layer_norm, "aclnnLayerNorm");
  find(rms_norm, "aclnnRmsNorm");
  find(add_rms_norm, "aclnnAddRmsNorm");
  find(gelu, "aclnnGeluV2");
  find(fast_gelu, "aclnnFastGelu");
  find(swish, "aclnnSwish");
  find(silu, "aclnnSilu");
  find(swi_glu, "aclnnSwiGlu");
  find(mul, "aclnnMul");
  find(div, "aclnnDiv");
  find(inplace_muls, "aclnnInplaceMuls");
  find(add, "aclnnAdd");
  find(inplace_add, "aclnnInplaceAdd");
  find(inplace_adds, "aclnnInplaceAdds");
  find(cast, "aclnnCast");
  find(inplace_copy, "aclnnInplaceCopy");
  find(softmax, "aclnnSoftmax");
  find(log_softmax, "aclnnLogSoftmax");
  find(argmax, "aclnnArgMax");
  find(topk, "aclnnTopk");
  find(index_select, "aclnnIndexSelect");
  find(gather, "aclnnGather");
  find(inplace_index_copy, "aclnnInplaceIndexCopy");
  find(scatter_nd_update, "aclnnScatterNdUpdate");
  find(fused_attention, "aclnnFusedInferAttentionScoreV2");
  find(prompt_attention, "aclnnPromptFlashAttentionV3");
  find(apply_rotary, "aclnnApplyRotaryPosEmb");
  find(rotary, "aclnnRotaryPositionEmbedding");
  find(moe_gating, "aclnnMoeGatingTopKSoftmax");
  find(moe_routing, "aclnnMoeInitRoutingV2");
  find(moe_unpermute, "aclnnMoeTokenUnpermute");
}

}  // namespace lectern::ascend
