// Compares the prototypes of functions.h with the toolkit's own, where it has headers for them, so that a difference
// ends the build and not a page. const is ignored behind pointers: CANN's versions differ there.
#include <type_traits>

#include "device/ascend/runtime/functions.h"

#if __has_include(<aclnnop/aclnn_matmul.h>)
#include <aclnnop/aclnn_matmul.h>
#endif
#if __has_include(<aclnnop/aclnn_addmm.h>)
#include <aclnnop/aclnn_addmm.h>
#endif
#if __has_include(<aclnnop/aclnn_grouped_matmul_v4.h>)
#include <aclnnop/aclnn_grouped_matmul_v4.h>
#endif
#if __has_include(<aclnnop/aclnn_grouped_matmul_v5.h>)
#include <aclnnop/aclnn_grouped_matmul_v5.h>
#endif
#if __has_include(<aclnnop/aclnn_im2col.h>)
#include <aclnnop/aclnn_im2col.h>
#endif
#if __has_include(<aclnnop/aclnn_layer_norm.h>)
#include <aclnnop/aclnn_layer_norm.h>
#endif
#if __has_include(<aclnnop/aclnn_add_rms_norm.h>)
#include <aclnnop/aclnn_add_rms_norm.h>
#endif
#if __has_include(<aclnnop/aclnn_scatter_nd_update.h>)
#include <aclnnop/aclnn_scatter_nd_update.h>
#endif
#if __has_include(<aclnnop/aclnn_rms_norm.h>)
#include <aclnnop/aclnn_rms_norm.h>
#endif
#if __has_include(<aclnnop/aclnn_gelu_v2.h>)
#include <aclnnop/aclnn_gelu_v2.h>
#endif
#if __has_include(<aclnnop/aclnn_fast_gelu.h>)
#include <aclnnop/aclnn_fast_gelu.h>
#endif
#if __has_include(<aclnnop/aclnn_swish.h>)
#include <aclnnop/aclnn_swish.h>
#endif
#if __has_include(<aclnnop/aclnn_silu.h>)
#include <aclnnop/aclnn_silu.h>
#endif
#if __has_include(<aclnnop/aclnn_swi_glu.h>)
#include <aclnnop/aclnn_swi_glu.h>
#endif
#if __has_include(<aclnnop/aclnn_mul.h>)
#include <aclnnop/aclnn_mul.h>
#endif
#if __has_include(<aclnnop/aclnn_div.h>)
#include <aclnnop/aclnn_div.h>
#endif
#if __has_include(<aclnnop/aclnn_add.h>)
#include <aclnnop/aclnn_add.h>
#endif
#if __has_include(<aclnnop/aclnn_cast.h>)
#include <aclnnop/aclnn_cast.h>
#endif
#if __has_include(<aclnnop/aclnn_copy.h>)
#include <aclnnop/aclnn_copy.h>
#endif
#if __has_include(<aclnnop/aclnn_softmax.h>)
#include <aclnnop/aclnn_softmax.h>
#endif
#if __has_include(<aclnnop/aclnn_logsoftmax.h>)
#include <aclnnop/aclnn_logsoftmax.h>
#endif
#if __has_include(<aclnnop/aclnn_argmax.h>)
#include <aclnnop/aclnn_argmax.h>
#endif
#if __has_include(<aclnnop/aclnn_topk.h>)
#include <aclnnop/aclnn_topk.h>
#endif
#if __has_include(<aclnnop/aclnn_index_select.h>)
#include <aclnnop/aclnn_index_select.h>
#endif
#if __has_include(<aclnnop/aclnn_gather.h>)
#include <aclnnop/aclnn_gather.h>
#endif
#if __has_include(<aclnnop/aclnn_index_copy.h>)
#include <aclnnop/aclnn_index_copy.h>
#endif
#if __has_include(<aclnnop/aclnn_fused_infer_attention_score_v2.h>)
#include <aclnnop/aclnn_fused_infer_attention_score_v2.h>
#endif
#if __has_include(<aclnnop/aclnn_prompt_flash_attention_v3.h>)
#include <aclnnop/aclnn_prompt_flash_attention_v3.h>
#endif
#if __has_include(<aclnnop/aclnn_apply_rotary_pos_emb.h>)
#include <aclnnop/aclnn_apply_rotary_pos_emb.h>
#endif
#if __has_include(<aclnnop/aclnn_rotary_position_embedding.h>)
#include <aclnnop/aclnn_rotary_position_embedding.h>
#endif
#if __has_include(<aclnnop/aclnn_moe_gating_top_k_softmax.h>)
#include <aclnnop/aclnn_moe_gating_top_k_softmax.h>
#endif
#if __has_include(<aclnnop/aclnn_moe_init_routing_v2.h>)
#include <aclnnop/aclnn_moe_init_routing_v2.h>
#endif
#if __has_include(<aclnnop/aclnn_moe_token_unpermute.h>)
#include <aclnnop/aclnn_moe_token_unpermute.h>
#endif

namespace lectern::ascend {
namespace {

template <typename T>
struct Bare {
  using Type = T;
};
template <typename T>
struct Bare<const T*> {
  using Type = T*;
};
template <typename Pointer>
struct Plain;
template <typename Result, typename... Parameters>
struct Plain<Result (*)(Parameters...)> {
  using Type = Result (*)(typename Bare<Parameters>::Type...);
};
template <auto member>
using Declared = typename std::remove_reference_t<decltype(std::declval<Functions>().*member)>::Prepare;
template <auto member, typename Header>
constexpr bool agrees =
    std::is_same_v<typename Plain<Declared<member>>::Type, typename Plain<std::decay_t<Header>>::Type>;

#if __has_include(<aclnnop/aclnn_matmul.h>)
static_assert(agrees<&Functions::matmul, decltype(aclnnMatmulGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_addmm.h>)
static_assert(agrees<&Functions::addmm, decltype(aclnnAddmmGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_grouped_matmul_v4.h>)
static_assert(agrees<&Functions::grouped_matmul_v4, decltype(aclnnGroupedMatmulV4GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_grouped_matmul_v5.h>)
static_assert(agrees<&Functions::grouped_matmul_v5, decltype(aclnnGroupedMatmulV5GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_im2col.h>)
static_assert(agrees<&Functions::im2col, decltype(aclnnIm2colGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_layer_norm.h>)
static_assert(agrees<&Functions::layer_norm, decltype(aclnnLayerNormGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_add_rms_norm.h>)
static_assert(agrees<&Functions::add_rms_norm, decltype(aclnnAddRmsNormGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_scatter_nd_update.h>)
static_assert(agrees<&Functions::scatter_nd_update, decltype(aclnnScatterNdUpdateGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_rms_norm.h>)
static_assert(agrees<&Functions::rms_norm, decltype(aclnnRmsNormGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_gelu_v2.h>)
static_assert(agrees<&Functions::gelu, decltype(aclnnGeluV2GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_fast_gelu.h>)
static_assert(agrees<&Functions::fast_gelu, decltype(aclnnFastGeluGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_swish.h>)
static_assert(agrees<&Functions::swish, decltype(aclnnSwishGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_silu.h>)
static_assert(agrees<&Functions::silu, decltype(aclnnSiluGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_swi_glu.h>)
static_assert(agrees<&Functions::swi_glu, decltype(aclnnSwiGluGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_mul.h>)
static_assert(agrees<&Functions::mul, decltype(aclnnMulGetWorkspaceSize)>);
static_assert(agrees<&Functions::inplace_muls, decltype(aclnnInplaceMulsGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_div.h>)
static_assert(agrees<&Functions::div, decltype(aclnnDivGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_add.h>)
static_assert(agrees<&Functions::add, decltype(aclnnAddGetWorkspaceSize)>);
static_assert(agrees<&Functions::inplace_add, decltype(aclnnInplaceAddGetWorkspaceSize)>);
static_assert(agrees<&Functions::inplace_adds, decltype(aclnnInplaceAddsGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_cast.h>)
static_assert(agrees<&Functions::cast, decltype(aclnnCastGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_copy.h>)
static_assert(agrees<&Functions::inplace_copy, decltype(aclnnInplaceCopyGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_softmax.h>)
static_assert(agrees<&Functions::softmax, decltype(aclnnSoftmaxGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_logsoftmax.h>)
static_assert(agrees<&Functions::log_softmax, decltype(aclnnLogSoftmaxGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_argmax.h>)
static_assert(agrees<&Functions::argmax, decltype(aclnnArgMaxGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_topk.h>)
static_assert(agrees<&Functions::topk, decltype(aclnnTopkGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_index_select.h>)
static_assert(agrees<&Functions::index_select, decltype(aclnnIndexSelectGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_gather.h>)
static_assert(agrees<&Functions::gather, decltype(aclnnGatherGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_index_copy.h>)
static_assert(agrees<&Functions::inplace_index_copy, decltype(aclnnInplaceIndexCopyGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_fused_infer_attention_score_v2.h>)
static_assert(agrees<&Functions::fused_attention, decltype(aclnnFusedInferAttentionScoreV2GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_prompt_flash_attention_v3.h>)
static_assert(agrees<&Functions::prompt_attention, decltype(aclnnPromptFlashAttentionV3GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_apply_rotary_pos_emb.h>)
static_assert(agrees<&Functions::apply_rotary, decltype(aclnnApplyRotaryPosEmbGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_rotary_position_embedding.h>)
static_assert(agrees<&Functions::rotary, decltype(aclnnRotaryPositionEmbeddingGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_moe_gating_top_k_softmax.h>)
static_assert(agrees<&Functions::moe_gating, decltype(aclnnMoeGatingTopKSoftmaxGetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_moe_init_routing_v2.h>)
static_assert(agrees<&Functions::moe_routing, decltype(aclnnMoeInitRoutingV2GetWorkspaceSize)>);
#endif
#if __has_include(<aclnnop/aclnn_moe_token_unpermute.h>)
static_assert(agrees<&Functions::moe_unpermute, decltype(aclnnMoeTokenUnpermuteGetWorkspaceSize)>);
#endif

}  // namespace
}  // namespace lectern::ascend
