// The plain operators: values by hand, and the refusals.
#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_add_rms_norm.h"
#include "aclnnop/aclnn_addmm.h"
#include "aclnnop/aclnn_argmax.h"
#include "aclnnop/aclnn_batch_matmul.h"
#include "aclnnop/aclnn_cast.h"
#include "aclnnop/aclnn_cat.h"
#include "aclnnop/aclnn_constant_pad_nd.h"
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_cumsum.h"
#include "aclnnop/aclnn_dynamic_quant.h"
#include "aclnnop/aclnn_embedding.h"
#include "aclnnop/aclnn_expand.h"
#include "aclnnop/aclnn_gather.h"
#include "aclnnop/aclnn_gather_v2.h"
#include "aclnnop/aclnn_gelu.h"
#include "aclnnop/aclnn_gelu_v2.h"
#include "aclnnop/aclnn_index_copy.h"
#include "aclnnop/aclnn_layer_norm.h"
#include "aclnnop/aclnn_logsoftmax.h"
#include "aclnnop/aclnn_masked_scatter.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_mm.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_permute.h"
#include "aclnnop/aclnn_quant_matmul_v4.h"
#include "aclnnop/aclnn_repeat.h"
#include "aclnnop/aclnn_rms_norm.h"
#include "aclnnop/aclnn_s_where.h"
#include "aclnnop/aclnn_scatter_add.h"
#include "aclnnop/aclnn_scatter_nd_update.h"
#include "aclnnop/aclnn_scatter_update.h"
#include "aclnnop/aclnn_silu.h"
#include "aclnnop/aclnn_slice.h"
#include "aclnnop/aclnn_softmax.h"
#include "aclnnop/aclnn_swi_glu.h"
#include "aclnnop/aclnn_swish.h"
#include "aclnnop/aclnn_topk.h"
#include "aclnnop/aclnn_weight_quant_batch_matmul_v2.h"
#include "fake_cann/support.h"

namespace fake_cann::testing {
namespace {

using Values = std::vector<double>;
class FakeCannOperators : public Machine {};

void expect_near(const Values& found, const Values& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << "at " << i;
}

Values counting(int64_t count, double step = 1) {
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) * step;
  return values;
}

TEST_F(FakeCannOperators, SumsBroadcastAndPromote) {
  const Array a(ACL_FLOAT16, {2, 3}, {1, 2, 3, 4, 5, 6}), b(ACL_FLOAT, {3}, {10, 20, 30}), out(ACL_FLOAT, {2, 3});
  const Number half(0.5f);
  EXPECT_EQ(run(aclnnAddGetWorkspaceSize, aclnnAdd, a, b, half, out), 0);
  EXPECT_EQ(out.values(), (Values{6, 12, 18, 9, 15, 21}));
  const Array narrow(ACL_FLOAT16, {2, 3}), wrong(ACL_FLOAT, {3, 2}), whole(ACL_INT32, {2, 3});
  EXPECT_EQ(run(aclnnAddGetWorkspaceSize, aclnnAdd, a, b, half, narrow), 0) << "float to float is converted";
  EXPECT_EQ(prepare(aclnnAddGetWorkspaceSize, a, b, half, wrong), 161002);
  EXPECT_EQ(prepare(aclnnAddGetWorkspaceSize, a, b, half, whole), 161002) << "but not to integers";
  EXPECT_EQ(prepare(aclnnAddGetWorkspaceSize, a, b, static_cast<aclScalar*>(nullptr), out), 161001);
  EXPECT_EQ(prepare(aclnnAddGetWorkspaceSize, a, static_cast<aclTensor*>(nullptr), half, out), 161001);
  const Array counts(ACL_INT64, {2}, {3, 4});
  EXPECT_EQ(run(aclnnInplaceMulsGetWorkspaceSize, aclnnInplaceMuls, counts, half), 0);
  EXPECT_EQ(counts.values(), (Values{0, 0})) << "a tensor of integers keeps its type";
}

TEST_F(FakeCannOperators, ActivationsAreTheDocumentedOnes) {
  const Array x(ACL_FLOAT, {4}, {-2, -0.5, 1, 3}), y(ACL_FLOAT, {4});
  EXPECT_EQ(run(aclnnGeluV2GetWorkspaceSize, aclnnGeluV2, x, int64_t{0}, y), 0);
  const auto exact = [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); };
  expect_near(y.values(), {exact(-2), exact(-0.5), exact(1), exact(3)}, 1e-6);
  EXPECT_EQ(run(aclnnGeluGetWorkspaceSize, aclnnGelu, x, y), 0);
  EXPECT_GT(std::fabs(y.values()[0] - exact(-2)), 1e-5) << "that is the tanh form";
  expect_near(y.values(), {exact(-2), exact(-0.5), exact(1), exact(3)}, 1e-3);
  const Number beta(1.702f);
  EXPECT_EQ(run(aclnnSwishGetWorkspaceSize, aclnnSwish, x, beta, y), 0);
  const auto quick = [](double v) { return v / (1 + std::exp(-1.702 * v)); };
  expect_near(y.values(), {quick(-2), quick(-0.5), quick(1), quick(3)}, 1e-5);
  Array both(ACL_FLOAT16, {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Array gated(ACL_FLOAT16, {2, 2}), odd(ACL_FLOAT16, {2, 3});
  EXPECT_EQ(run(aclnnSwiGluGetWorkspaceSize, aclnnSwiGlu, both, int64_t{-1}, gated), 0);
  const auto silu = [](double v) { return v / (1 + std::exp(-v)); };
  expect_near(gated.values(), {silu(1) * 3, silu(2) * 4, silu(5) * 7, silu(6) * 8}, 0.02);
  EXPECT_EQ(prepare(aclnnSwiGluGetWorkspaceSize, odd, int64_t{1}, gated), 161002);
  EXPECT_EQ(prepare(aclnnSwiGluGetWorkspaceSize, both.view({4, 2}, {1, 4}), int64_t{0}, gated), 161002) << "no views";
}

TEST_F(FakeCannOperators, NormsNeedTheirSecondOutputInF32) {
  const Array x(ACL_FLOAT16, {2, 4}, {1, 2, 3, 4, -1, 0, 1, 2}), gamma(ACL_FLOAT16, {4}, {1, 1, 2, 2});
  const Array y(ACL_FLOAT16, {2, 4}), rstd(ACL_FLOAT, {2}), half_rstd(ACL_FLOAT16, {2}), kept(ACL_FLOAT, {2, 1});
  EXPECT_EQ(run(aclnnRmsNormGetWorkspaceSize, aclnnRmsNorm, x, gamma, 0.0, y, rstd), 0);
  const double first = 1 / std::sqrt(7.5);
  expect_near({rstd.values()[0], y.values()[0], y.values()[3]}, {first, first, 8 * first}, 2e-3);
  EXPECT_EQ(prepare(aclnnRmsNormGetWorkspaceSize, x, gamma, 0.0, y, half_rstd), 161002);
  EXPECT_EQ(prepare(aclnnRmsNormGetWorkspaceSize, x, gamma, 0.0, y, static_cast<aclTensor*>(nullptr)), 161001);
  const Array sum(ACL_FLOAT16, {2, 4});
  EXPECT_EQ(run(aclnnAddRmsNormGetWorkspaceSize, aclnnAddRmsNorm, x, x, gamma, 0.0, y, kept, sum), 0);
  expect_near(sum.values(), {2, 4, 6, 8, -2, 0, 2, 4}, 0);
  expect_near({kept.values()[0], y.values()[0]}, {first / 2, first}, 2e-3);
  EXPECT_EQ(prepare(aclnnAddRmsNormGetWorkspaceSize, x, x, gamma, 0.0, y, rstd, sum), 161002) << "[2, 1] it is";
  const Array scale(ACL_FLOAT, {4}, {1, 1, 1, 2}), shift(ACL_FLOAT, {4}, {0, 0, 0, 1}), out(ACL_FLOAT16, {2, 4});
  const Ints last{4}, wrong{3};
  aclTensor* const none = nullptr;
  EXPECT_EQ(run(aclnnLayerNormGetWorkspaceSize, aclnnLayerNorm, x, last, scale, shift, 0.0, out, none, none), 0);
  const double unit = 1 / std::sqrt(1.25);
  expect_near(out.values(),
              {-1.5 * unit, -0.5 * unit, 0.5 * unit, 3 * unit + 1, -1.5 * unit, -0.5 * unit, 0.5 * unit, 3 * unit + 1},
              3e-3);
  EXPECT_EQ(prepare(aclnnLayerNormGetWorkspaceSize, x, wrong, scale, shift, 0.0, out, none, none), 161002);
}

TEST_F(FakeCannOperators, ProductsTakeTransposedViews) {
  const Array a(ACL_FLOAT16, {2, 3}, {1, 2, 3, 4, 5, 6});
  Array weight(ACL_FLOAT16, {2, 3}, {1, 0, 1, 0, 1, 0});
  const Array out(ACL_FLOAT16, {2, 2}), wide(ACL_FLOAT, {2, 2}), bias(ACL_FLOAT16, {2}, {10, 20});
  aclTensor* turned = weight.view({3, 2}, {1, 3});
  const int8_t keep = 0;
  EXPECT_EQ(run(aclnnMmGetWorkspaceSize, aclnnMm, a, turned, out, keep), 0);
  EXPECT_EQ(out.values(), (Values{4, 2, 10, 5}));
  EXPECT_EQ(prepare(aclnnMatmulGetWorkspaceSize, a, turned, wide, keep), 561103)
      << "up to 8.3 f16 x f16 is copied to out without a conversion";
  EXPECT_EQ(run(aclnnMmGetWorkspaceSize, aclnnMm, a, turned, wide, keep), 0) << "which converts";
  fake_cann_set_version("8.5.0");
  EXPECT_EQ(run(aclnnMatmulGetWorkspaceSize, aclnnMatmul, a, turned, wide, keep), 0) << "f16 x f16 may give f32";
  const Number one(1);
  EXPECT_EQ(run(aclnnAddmmGetWorkspaceSize, aclnnAddmm, bias, a, turned, one, one, out, keep), 0);
  EXPECT_EQ(out.values(), (Values{14, 22, 20, 25}));
  EXPECT_EQ(run(aclnnInplaceAddmmGetWorkspaceSize, aclnnInplaceAddmm, out, a, turned, one, one, keep), 0);
  EXPECT_EQ(out.values(), (Values{18, 24, 30, 30}));
  EXPECT_EQ(prepare(aclnnMmGetWorkspaceSize, a, weight, out, keep), 161002) << "[2, 3] x [2, 3]";
  const Array other(ACL_BF16, {3, 2});
  EXPECT_EQ(prepare(aclnnMmGetWorkspaceSize, a, other, out, keep), 161002) << "f16 x bf16";
  const Array stack(ACL_FLOAT, {2, 1, 2}, {1, 2, 3, 4}), shared(ACL_FLOAT, {1, 2, 2}, {1, 2, 3, 4}),
      result(ACL_FLOAT, {2, 1, 2});
  EXPECT_EQ(run(aclnnBatchMatMulGetWorkspaceSize, aclnnBatchMatMul, stack, shared, result, keep), 0);
  EXPECT_EQ(result.values(), (Values{7, 10, 15, 22}));
  EXPECT_EQ(prepare(aclnnBatchMatMulGetWorkspaceSize, a, turned, out, keep), 161002) << "three extents it is";
  const Array precise(ACL_FLOAT, {1, 1}, {1.0001}), unit(ACL_FLOAT, {1, 1}, {1}), seen(ACL_FLOAT, {1, 1});
  EXPECT_EQ(run(aclnnMmGetWorkspaceSize, aclnnMm, precise, unit, seen, int8_t{1}), 0);
  EXPECT_EQ(seen.values()[0], 1.0) << "HF32 keeps 11 bits of fraction";
}

TEST_F(FakeCannOperators, StacksBroadcast) {
  const Array a(ACL_FLOAT, {2, 1, 1, 2}, {1, 2, 3, 4}), b(ACL_FLOAT, {3, 2, 1}, {1, 1, 1, 0, 0, 1}),
      out(ACL_FLOAT, {2, 3, 1, 1});
  EXPECT_EQ(run(aclnnMatmulGetWorkspaceSize, aclnnMatmul, a, b, out, int8_t{0}), 0);
  EXPECT_EQ(out.values(), (Values{3, 1, 2, 7, 3, 4}));
}

TEST_F(FakeCannOperators, CopiesGoThroughViews) {
  Array source(ACL_FLOAT, {2, 3}, counting(6)), target(ACL_FLOAT16, {3, 4}, Values(12, 9));
  EXPECT_EQ(run(aclnnInplaceCopyGetWorkspaceSize, aclnnInplaceCopy, target.view({3, 2}, {4, 1}, 1),
                source.view({3, 2}, {1, 3})),
            0);
  EXPECT_EQ(target.values(), (Values{9, 0, 3, 9, 9, 1, 4, 9, 9, 2, 5, 9}));
  EXPECT_EQ(prepare(aclnnInplaceCopyGetWorkspaceSize, target.view({3, 2}, {0, 1}), source.view({3, 2}, {1, 3})),
            161002);
  const Array out(ACL_FLOAT, {3, 2}), slice(ACL_FLOAT, {2, 2}), joined(ACL_FLOAT, {2, 6}),
      expanded(ACL_FLOAT, {2, 2, 3});
  const Ints turn{1, 0}, twice{1, 0, 0}, size{2, -1, 3}, times{2, 2};
  EXPECT_EQ(run(aclnnPermuteGetWorkspaceSize, aclnnPermute, source, turn, out), 0);
  EXPECT_EQ(out.values(), (Values{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(prepare(aclnnPermuteGetWorkspaceSize, source, twice, out), 161002);
  EXPECT_EQ(run(aclnnSliceGetWorkspaceSize, aclnnSlice, source, int64_t{1}, int64_t{0}, int64_t{3}, int64_t{2}, slice),
            0);
  EXPECT_EQ(slice.values(), (Values{0, 2, 3, 5}));
  {
    const List both({source.member({2, 3}), source.member({2, 3})});
    EXPECT_EQ(run(aclnnCatGetWorkspaceSize, aclnnCat, both, int64_t{1}, joined), 0);
    EXPECT_EQ(joined.values(), (Values{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}));
  }
  EXPECT_EQ(run(aclnnExpandGetWorkspaceSize, aclnnExpand, source, size, expanded), 0);
  EXPECT_EQ(expanded.values(), (Values{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}));
  const Array pair(ACL_FLOAT, {1, 2}, {1, 2}), repeated(ACL_FLOAT, {2, 4}), padded(ACL_FLOAT, {2, 4});
  EXPECT_EQ(run(aclnnRepeatGetWorkspaceSize, aclnnRepeat, pair, times, repeated), 0);
  EXPECT_EQ(repeated.values(), (Values{1, 2, 1, 2, 1, 2, 1, 2}));
  const Ints pad{1, 1, 0, 1};
  const Number seven(7);
  EXPECT_EQ(run(aclnnConstantPadNdGetWorkspaceSize, aclnnConstantPadNd, pair, pad, seven, padded), 0);
  EXPECT_EQ(padded.values(), (Values{7, 1, 2, 7, 7, 7, 7, 7}));
  const Array whole(ACL_INT32, {2}), real(ACL_FLOAT, {2}, {-1.9, 2.9});
  EXPECT_EQ(run(aclnnCastGetWorkspaceSize, aclnnCast, real, ACL_INT32, whole), 0);
  EXPECT_EQ(whole.values(), (Values{-1, 2})) << "truncated";
  EXPECT_EQ(prepare(aclnnCastGetWorkspaceSize, real, ACL_INT64, whole), 161002);
}

TEST_F(FakeCannOperators, IndicesOutOfRangeAreFaults) {
  const Array table(ACL_FLOAT16, {3, 2}, counting(6)), rows(ACL_INT32, {2}, {2, 0}), out(ACL_FLOAT16, {2, 2});
  EXPECT_EQ(run(aclnnEmbeddingGetWorkspaceSize, aclnnEmbedding, table, rows, out), 0);
  EXPECT_EQ(out.values(), (Values{4, 5, 0, 1}));
  const Array columns(ACL_INT64, {1}, {1}), column(ACL_FLOAT16, {3, 1});
  EXPECT_EQ(run(aclnnGatherV2GetWorkspaceSize, aclnnGatherV2, table, int64_t{1}, columns, column), 0);
  EXPECT_EQ(column.values(), (Values{1, 3, 5}));
  const Array places(ACL_INT64, {2, 1}, {1, 0}), chosen(ACL_FLOAT16, {2, 1});
  EXPECT_EQ(run(aclnnGatherGetWorkspaceSize, aclnnGather, table, int64_t{1}, places, chosen), 0);
  EXPECT_EQ(chosen.values(), (Values{1, 2}));
  EXPECT_STREQ(fake_cann_violations(), "");
  rows.write({2, 3});
  EXPECT_EQ(run(aclnnEmbeddingGetWorkspaceSize, aclnnEmbedding, table, rows, out), 507015);
  expect_violation("index 3 is not below 3");
}

TEST_F(FakeCannOperators, RowsAreScattered) {
  const Array target(ACL_FLOAT16, {4, 2}, Values(8, 0)), rows(ACL_INT32, {2}, {3, 1}),
      source(ACL_FLOAT16, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run(aclnnInplaceIndexCopyGetWorkspaceSize, aclnnInplaceIndexCopy, target, int64_t{0}, rows, source), 0);
  EXPECT_EQ(target.values(), (Values{0, 0, 3, 4, 0, 0, 1, 2}));
  const Array places(ACL_INT32, {2, 1}, {3, 1}), other(ACL_FLOAT16, {4, 2}, Values(8, 0));
  EXPECT_EQ(run(aclnnScatterNdUpdateGetWorkspaceSize, aclnnScatterNdUpdate, other, places, source), 0);
  EXPECT_EQ(other.values(), (Values{0, 0, 3, 4, 0, 0, 1, 2}));
  EXPECT_EQ(prepare(aclnnScatterNdUpdateGetWorkspaceSize, other, rows, source), 161002) << "indices of one extent";
  const Array at(ACL_INT64, {2, 2}, {0, 0, 0, 1}), sum(ACL_FLOAT16, {4, 2});
  EXPECT_EQ(run(aclnnScatterAddGetWorkspaceSize, aclnnScatterAdd, target, int64_t{0}, at, source, sum), 0);
  EXPECT_EQ(sum.values(), (Values{4, 2, 3, 8, 0, 0, 1, 2}));
  const Array mask(ACL_BOOL, {4, 1}, {0, 1, 1, 0}), few(ACL_FLOAT16, {3}, {7, 8, 9});
  EXPECT_EQ(run(aclnnInplaceMaskedScatterGetWorkspaceSize, aclnnInplaceMaskedScatter, target, mask, source), 0);
  EXPECT_EQ(target.values(), (Values{0, 0, 1, 2, 3, 4, 1, 2}));
  const Array cache(ACL_FLOAT16, {2, 3, 1}, Values(6, 0)), from(ACL_INT64, {2}, {2, 0}),
      update(ACL_FLOAT16, {2, 1, 1}, {5, 6});
  EXPECT_EQ(run(aclnnInplaceScatterUpdateGetWorkspaceSize, aclnnInplaceScatterUpdate, cache, from, update, int64_t{1}),
            0);
  EXPECT_EQ(cache.values(), (Values{0, 0, 5, 6, 0, 0}));
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_EQ(run(aclnnInplaceMaskedScatterGetWorkspaceSize, aclnnInplaceMaskedScatter, target, mask, few), 507015);
  expect_violation("too few elements");
}

TEST_F(FakeCannOperators, RepeatedRowsOfAScatterAreAFault) {
  const Array target(ACL_FLOAT16, {4, 2}), rows(ACL_INT32, {2}, {1, 1}), source(ACL_FLOAT16, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run(aclnnInplaceIndexCopyGetWorkspaceSize, aclnnInplaceIndexCopy, target, int64_t{0}, rows, source),
            507015);
  expect_violation("is repeated");
}

TEST_F(FakeCannOperators, LargestAndSums) {
  const Array x(ACL_FLOAT, {2, 4}, {1, 3, 3, 2, -1, -2, 0, 5});
  const Array best(ACL_FLOAT, {2, 2}), places(ACL_INT64, {2, 2}), narrow_places(ACL_INT32, {2, 2}),
      first(ACL_INT32, {2});
  EXPECT_EQ(run(aclnnTopkGetWorkspaceSize, aclnnTopk, x, int64_t{2}, int64_t{-1}, true, true, best, places), 0);
  EXPECT_EQ(best.values(), (Values{3, 3, 5, 0}));
  EXPECT_EQ(places.values(), (Values{1, 2, 3, 2}));
  EXPECT_EQ(prepare(aclnnTopkGetWorkspaceSize, x, int64_t{2}, int64_t{-1}, true, true, best, narrow_places), 161002);
  EXPECT_EQ(prepare(aclnnTopkGetWorkspaceSize, x, int64_t{2}, int64_t{-1}, true, false, best, places), 161002);
  EXPECT_EQ(run(aclnnArgMaxGetWorkspaceSize, aclnnArgMax, x, int64_t{1}, false, first), 0);
  EXPECT_EQ(first.values(), (Values{1, 3}));
  const Array sums(ACL_FLOAT, {2, 4}), shares(ACL_FLOAT, {2, 4});
  EXPECT_EQ(run(aclnnCumsumV2GetWorkspaceSize, aclnnCumsumV2, x, int64_t{1}, true, false, sums), 0);
  EXPECT_EQ(sums.values(), (Values{0, 1, 4, 7, 0, -1, -3, -3}));
  EXPECT_EQ(run(aclnnSoftmaxGetWorkspaceSize, aclnnSoftmax, x, int64_t{0}, shares), 0);
  const double share = 1 / (1 + std::exp(-2.0));
  expect_near({shares.values()[0], shares.values()[4]}, {share, 1 - share}, 1e-6);
  EXPECT_EQ(run(aclnnLogSoftmaxGetWorkspaceSize, aclnnLogSoftmax, x, int64_t{0}, shares), 0);
  expect_near({shares.values()[0], shares.values()[4]}, {std::log(share), std::log(1 - share)}, 1e-6);
  const Array chosen(ACL_BOOL, {4}, {1, 0, 1, 0}), zero(ACL_FLOAT, {1}, {0}), kept(ACL_FLOAT, {2, 4});
  EXPECT_EQ(run(aclnnSWhereGetWorkspaceSize, aclnnSWhere, chosen, x, zero, kept), 0);
  EXPECT_EQ(kept.values(), (Values{1, 0, 3, 0, -1, 0, 0, 0}));
}

TEST_F(FakeCannOperators, QuantisedProductsTakeTheirScales) {
  aclTensor* const none = nullptr;
  const Array x(ACL_FLOAT16, {2, 2}, {127, -1, 0, 63.5}), quantised(ACL_INT8, {2, 2}), scales(ACL_FLOAT, {2});
  EXPECT_EQ(run(aclnnDynamicQuantGetWorkspaceSize, aclnnDynamicQuant, x, none, quantised, scales), 0);
  EXPECT_EQ(scales.values(), (Values{1, 0.5}));
  const Array weight(ACL_INT8, {2, 1}, {2, 4}), columns(ACL_FLOAT, {1}, {0.5}), out(ACL_FLOAT16, {2, 1});
  EXPECT_EQ(run(aclnnQuantMatmulV4GetWorkspaceSize, aclnnQuantMatmulV4, quantised, weight, columns, none, scales, none,
                false, false, out),
            0);
  EXPECT_EQ(out.values(), (Values{125, 127}));
  const Array whole(ACL_FLOAT, {2, 2}), column_scales(ACL_FLOAT16, {1}, {0.5});
  EXPECT_EQ(prepare(aclnnDynamicQuantGetWorkspaceSize, whole, none, quantised, scales), 161002) << "not f32";
  EXPECT_EQ(run(aclnnWeightQuantBatchMatmulV2GetWorkspaceSize, aclnnWeightQuantBatchMatmulV2, x, weight, column_scales,
                none, none, none, none, 0, out),
            0);
  EXPECT_EQ(out.values(), (Values{125, 127}));
  EXPECT_EQ(
      prepare(aclnnWeightQuantBatchMatmulV2GetWorkspaceSize, x, weight, column_scales, none, none, none, none, 16, out),
      161002)
      << "groups of 32 and more";
}

TEST_F(FakeCannOperators, OperandsOutliveTheSecondCallAndHaveMemory) {
  Array x(ACL_FLOAT, {2}, {1, 2}), y(ACL_FLOAT, {2});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  const int64_t two = 2;
  aclTensor* fleeting = aclCreateTensor(&two, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &two, 1, x.memory());
  ASSERT_EQ(aclnnSiluGetWorkspaceSize(fleeting, y, &bytes, &executor), 0);
  EXPECT_EQ(aclDestroyTensor(fleeting), 0);
  EXPECT_EQ(aclnnSilu(nullptr, 0, executor, nullptr), 361001);
  expect_violation("destroyed between the two calls");
  aclTensor* shapeless = aclCreateTensor(&two, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &two, 1, nullptr);
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, shapeless, y), 161001);
  EXPECT_EQ(aclSetRawTensorAddr(shapeless, x.memory()), 0);
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, shapeless, y), 0);
  int host[2] = {1, 2};
  aclTensor* on_host = aclCreateTensor(&two, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &two, 1, host);
  EXPECT_NE(run(aclnnSiluGetWorkspaceSize, aclnnSilu, on_host, y), 0);
  EXPECT_EQ(aclDestroyTensor(shapeless), 0);
  EXPECT_EQ(aclDestroyTensor(on_host), 0);
}

}  // namespace
}  // namespace fake_cann::testing
