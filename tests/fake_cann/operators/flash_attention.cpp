// Attention as in training, the one fused form with f32: FlashAttentionScore. Section 3.9.
#include "aclnnop/aclnn_flash_attention_score.h"
#include "fake_cann/operators/attention.h"

namespace fake_cann {
namespace {

struct FlashArguments {
  const aclTensor *query, *key, *value, *shift, *mask;
  double scale, keep;
  int64_t heads;
  const char* layout;
  int64_t inner_precise, sparse_mode, previous, next;
  bool bias_before_scale;
  const aclTensor *maxima, *sums, *unused, *out;
};

void flash_attention(Operation& op, const FlashArguments& a) {
  if (a.layout == nullptr) fail(null_operand, "inputLayout is null");
  const std::string layout = a.layout;
  op.require(layout == "BSH" || layout == "SBH" || layout == "BSND" || layout == "BNSD",
             "the fake has no layout " + layout);
  op.require(a.keep == 1.0, "keepProb is 1");
  op.absent(a.unused, "softmaxOut");
  op.attribute(layout);
  for (const int64_t value : {a.heads, a.inner_precise, a.sparse_mode, int64_t{a.bias_before_scale}})
    op.attribute(value);
  op.attribute(std::to_string(a.scale));
  const Operand query = op.input(a.query, "query", floating);
  const Operand key = op.input(a.key, "key", floating);
  const Operand value = op.input(a.value, "value", floating);
  op.same_type(query, key);
  op.same_type(query, value);
  const Tensor q = by_heads(op, query, layout, a.heads);
  const int64_t batch = q.shape[0], queries = q.shape[2], size = q.shape[3];
  // The number of key heads follows from the size of a head.
  const bool joined = layout == "BSH" || layout == "SBH";
  const int64_t key_heads = joined             ? key.shape.back() / std::max<int64_t>(size, 1)
                            : layout == "BSND" ? key.shape[2]
                                               : key.shape[1];
  const Tensor k = by_heads(op, key, layout, key_heads), v = by_heads(op, value, layout, key_heads);
  const int64_t keys = k.shape[2], value_size = v.shape[3];
  op.require(key_heads > 0 && a.heads % key_heads == 0, "the heads do not fit each other");
  op.require(k.shape[0] == batch && v.shape[0] == batch && v.shape[2] == keys, "key and value do not fit query");
  op.require(size <= 768 && k.shape[3] == size && value_size <= size, "D(q) = D(k) >= D(v), at most 768");
  op.require(batch > 0 && queries > 0 && keys > 0, "no empty tensors");
  const std::optional<Operand> shift = op.optional_input(a.shift, "realShift", floating);
  if (shift) {
    op.same_type(*shift, query);
    const Shape& s = shift->shape;
    op.require(s.size() == 4 && (s[0] == batch || (s[0] == 1 && s[2] == queries)) && s[1] == a.heads &&
                   (s[2] == queries || s[2] == 1) && s[3] == keys,
               "realShift is " + to_string(s));
  }
  const std::optional<Operand> mask = op.optional_input(a.mask, "attenMask", boolean | types({ACL_UINT8}));
  op.require(a.sparse_mode >= 0 && a.sparse_mode <= 3, "the fake has sparseMode 0 to 3");
  op.require(mask || a.sparse_mode == 0, "a sparseMode without a mask");
  if (mask) {
    const bool compressed = a.sparse_mode >= 2;
    const Shape wanted = compressed ? Shape{2048, 2048} : Shape{queries, keys};
    const Shape last(mask->shape.end() - std::min<std::ptrdiff_t>(2, mask->rank()), mask->shape.end());
    op.require(last == wanted && (mask->rank() == 2 || (mask->rank() == 4 && !compressed && mask->shape[1] == 1 &&
                                                        (mask->shape[0] == 1 || mask->shape[0] == batch))),
               "attenMask is " + to_string(mask->shape));
  }
  const Operand maxima = op.output(a.maxima, "softmaxMaxOut", types({ACL_FLOAT}));
  const Operand sums = op.output(a.sums, "softmaxSumOut", types({ACL_FLOAT}));
  op.shape_is(maxima, {batch, a.heads, queries, 8});
  op.shape_is(sums, {batch, a.heads, queries, 8});
  const Operand out = op.output(a.out, "attentionOutOut", floating);
  op.same_type(out, query);
  const Tensor o = by_heads(op, out, layout, a.heads);
  op.require(o.shape == Shape({batch, a.heads, queries, value_size}), "attentionOutOut is " + to_string(out.shape));
  op.workspace((1 << 20) + static_cast<uint64_t>(out.elements()) * 4);
  const FlashArguments arguments = a;
  op.run([=](const Work& work) {
    const Tensor from = by_heads(work[query], layout, arguments.heads),
                 to = by_heads(work[out], layout, arguments.heads);
    const Tensor from_key = by_heads(work[key], layout, key_heads),
                 from_value = by_heads(work[value], layout, key_heads);
    const Integers excluded = mask && arguments.sparse_mode < 2 ? integers(work[*mask]) : Integers{};
    Floats all_maxima(static_cast<size_t>(maxima.elements())), all_sums(all_maxima.size());
    Floats results(static_cast<size_t>(batch * arguments.heads * queries * value_size));
    in_parallel(batch * arguments.heads, [&](int64_t i) {
      const int64_t b = i / arguments.heads, h = i % arguments.heads, key_head = h / (arguments.heads / key_heads);
      Head head{queries,
                keys,
                size,
                value_size,
                head_of(from, b, h, queries),
                head_of(from_key, b, key_head, keys),
                head_of(from_value, b, key_head, keys)};
      HeadRules rules;
      rules.scale = static_cast<float>(arguments.scale);
      rules.bias_before_scale = arguments.bias_before_scale;
      Floats bias;
      if (shift) {
        const Tensor own = narrowed(narrowed(work[*shift], 0, shift->shape[0] == 1 ? 0 : b, 1), 1, h, 1);
        bias = floats(own);
        const bool one_row = shift->shape[2] == 1;
        rules.bias = [&bias, keys, one_row](int64_t query_row, float* row) {
          std::copy_n(bias.begin() + (one_row ? 0 : query_row * keys), keys, row);
        };
      }
      if (mask && arguments.sparse_mode >= 2) {
        const int64_t past = arguments.sparse_mode == 3 ? keys - queries : 0;
        rules.excluded = [past](int64_t query_row, int64_t key_row) { return key_row > query_row + past; };
      } else if (mask) {
        const int64_t first = mask->rank() == 4 && mask->shape[0] != 1 ? b * queries * keys : 0;
        const bool banded = arguments.sparse_mode == 0;
        rules.excluded = [&excluded, first, keys, banded, arguments](int64_t query_row, int64_t key_row) {
          if (banded && (key_row < query_row - arguments.previous || key_row > query_row + arguments.next)) return true;
          return excluded[static_cast<size_t>(first + query_row * keys + key_row)] != 0;
        };
      }
      std::vector<float> largest(static_cast<size_t>(queries)), total(static_cast<size_t>(queries));
      attend(head, rules, results.data() + i * queries * value_size, largest.data(), total.data());
      for (int64_t r = 0; r < queries * 8; ++r) {
        all_maxima[static_cast<size_t>(i * queries * 8 + r)] = largest[static_cast<size_t>(r / 8)];
        all_sums[static_cast<size_t>(i * queries * 8 + r)] = total[static_cast<size_t>(r / 8)];
      }
    });
    store(to, results);
    store(work[maxima], all_maxima);
    store(work[sums], all_sums);
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnFlashAttentionScoreGetWorkspaceSize(
    const aclTensor* query, const aclTensor* key, const aclTensor* value, const aclTensor* realShiftOptional,
    const aclTensor* dropMaskOptional, const aclTensor* paddingMaskOptional, const aclTensor* attenMaskOptional,
    const aclIntArray* prefixOptional, double scaleValue, double keepProb, int64_t preTokens, int64_t nextTokens,
    int64_t headNum, char* inputLayout, int64_t innerPrecise, int64_t sparseMode, const aclTensor* softmaxMaxOut,
    const aclTensor* softmaxSumOut, const aclTensor* softmaxOutOut, const aclTensor* attentionOutOut,
    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnFlashAttentionScore", workspaceSize, executor, [&](Operation& op) {
    op.absent(dropMaskOptional, "dropMask");
    op.absent(paddingMaskOptional, "paddingMask");
    op.absent(prefixOptional, "prefix");
    flash_attention(op, {query, key, value, realShiftOptional, attenMaskOptional, scaleValue, keepProb, headNum,
                         inputLayout, innerPrecise, sparseMode, preTokens, nextTokens, true, softmaxMaxOut,
                         softmaxSumOut, softmaxOutOut, attentionOutOut});
  });
}
SECOND_CALL(aclnnFlashAttentionScore)

aclnnStatus aclnnFlashAttentionScoreV2GetWorkspaceSize(
    const aclTensor* query, const aclTensor* key, const aclTensor* value, const aclTensor* realShiftOptional,
    const aclTensor* dropMaskOptional, const aclTensor* paddingMaskOptional, const aclTensor* attenMaskOptional,
    const aclIntArray* prefixOptional, const aclIntArray* qStartIdxOptional, const aclIntArray* kvStartIdxOptional,
    double scaleValue, double keepProb, int64_t preTokens, int64_t nextTokens, int64_t headNum, char* inputLayout,
    int64_t innerPrecise, int64_t sparseMode, int64_t pseType, const aclTensor* softmaxMaxOut,
    const aclTensor* softmaxSumOut, const aclTensor* softmaxOutOut, const aclTensor* attentionOutOut,
    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnFlashAttentionScoreV2", workspaceSize, executor, [&](Operation& op) {
    op.absent(dropMaskOptional, "dropMask");
    op.absent(paddingMaskOptional, "paddingMask");
    op.absent(prefixOptional, "prefix");
    op.absent(qStartIdxOptional, "qStartIdx");
    op.absent(kvStartIdxOptional, "kvStartIdx");
    op.require(pseType == 0 || pseType == 1, "the fake has pseType 0 and 1");
    flash_attention(op, {query, key, value, realShiftOptional, attenMaskOptional, scaleValue, keepProb, headNum,
                         inputLayout, innerPrecise, sparseMode, preTokens, nextTokens, pseType == 1, softmaxMaxOut,
                         softmaxSumOut, softmaxOutOut, attentionOutOut});
  });
}
SECOND_CALL(aclnnFlashAttentionScoreV2)

}  // extern "C"
