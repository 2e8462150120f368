// Products with quantised operands: section 3.12.
#include <algorithm>
#include <cmath>

#include "aclnnop/aclnn_dynamic_quant.h"
#include "aclnnop/aclnn_quant_matmul_v4.h"
#include "aclnnop/aclnn_weight_quant_batch_matmul_v2.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

constexpr Types int8_only = types({ACL_INT8});
constexpr int64_t max_columns = 65535;

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnDynamicQuantGetWorkspaceSize(const aclTensor* x, const aclTensor* smoothScalesOptional,
                                              const aclTensor* yOut, const aclTensor* scaleOut, uint64_t* workspaceSize,
                                              aclOpExecutor** executor) {
  return first_call("aclnnDynamicQuant", workspaceSize, executor, [&](Operation& op) {
    op.absent(smoothScalesOptional, "smoothScales");
    const Operand in = op.input(x, "x", half_types);
    const Operand y = op.output(yOut, "yOut", int8_only, {.contiguous = true});
    const Operand scales = op.output(scaleOut, "scaleOut", types({ACL_FLOAT}), {.contiguous = true});
    op.require(in.rank() >= 2, "x has two extents or more");
    op.same_shape(in, y);
    op.shape_is(scales, {in.shape.begin(), in.shape.end() - 1});
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      const Floats values = floats(work[in]);
      const auto columns = static_cast<size_t>(in.shape.back());
      Integers quantised(values.size());
      Floats scale_of(static_cast<size_t>(scales.elements()));
      for (size_t row = 0; row < scale_of.size(); ++row) {
        float largest = 0;
        for (size_t i = 0; i < columns; ++i) largest = std::max(largest, std::fabs(values[row * columns + i]));
        scale_of[row] = largest / 127.0f;
        for (size_t i = 0; i < columns; ++i) {
          const float scaled = largest == 0 ? 0 : values[row * columns + i] / scale_of[row];
          quantised[row * columns + i] = std::clamp<int64_t>(std::lrint(scaled), -128, 127);
        }
      }
      store(work[y], quantised);
      store(work[scales], scale_of);
    });
  });
}
SECOND_CALL(aclnnDynamicQuant)

aclnnStatus aclnnQuantMatmulV4GetWorkspaceSize(const aclTensor* x1, const aclTensor* x2, const aclTensor* scale,
                                               const aclTensor* offset, const aclTensor* pertokenScaleOptional,
                                               const aclTensor* bias, bool transposeX1, bool transposeX2,
                                               const aclTensor* out, uint64_t* workspaceSize,
                                               aclOpExecutor** executor) {
  return first_call("aclnnQuantMatmulV4", workspaceSize, executor, [&](Operation& op) {
    op.absent(offset, "offset");
    op.require(!transposeX1, "the fake does not transpose x1");
    const Operand a = op.input(x1, "x1", int8_only);
    const Operand b = op.input(x2, "x2", int8_only);
    const Operand column_scales = op.input(scale, "scale", types({ACL_FLOAT}));
    const Operand row_scales = op.input(pertokenScaleOptional, "pertokenScale", types({ACL_FLOAT}));
    const std::optional<Operand> added = op.optional_input(bias, "bias", types({ACL_INT32}));
    const Operand y = op.output(out, "out", half_types);
    op.require(a.rank() == 2 && b.rank() == 2, "x1 and x2 have two extents");
    const int64_t m = a.shape[0], k = a.shape[1], n = b.shape[transposeX2 ? 0 : 1];
    op.require(b.shape[transposeX2 ? 1 : 0] == k && k <= max_columns && n <= max_columns, "x2 does not fit x1");
    op.require(column_scales.shape == Shape{n} || column_scales.shape == Shape{1}, "scale is [n] or [1]");
    op.shape_is(row_scales, {m});
    if (added) op.shape_is(*added, {n});
    op.shape_is(y, {m, n});
    op.attribute(transposeX2 ? 1 : 0);
    op.workspace(1 << 20);
    op.run([=](const Work& work) {
      const Integers left = integers(work[a]), right = integers(work[b]),
                     shift = added ? integers(work[*added]) : Integers{};
      const Floats columns = floats(work[column_scales]), rows = floats(work[row_scales]);
      Floats result(static_cast<size_t>(m * n));
      in_parallel(m, [&](int64_t i) {
        for (int64_t j = 0; j < n; ++j) {
          int64_t sum = shift.empty() ? 0 : shift[static_cast<size_t>(j)];
          for (int64_t p = 0; p < k; ++p) {
            sum +=
                left[static_cast<size_t>(i * k + p)] * right[static_cast<size_t>(transposeX2 ? j * k + p : p * n + j)];
          }
          result[static_cast<size_t>(i * n + j)] = static_cast<float>(sum) *
                                                   columns[columns.size() == 1 ? 0 : static_cast<size_t>(j)] *
                                                   rows[static_cast<size_t>(i)];
        }
      });
      store(work[y], result);
    });
  });
}
SECOND_CALL(aclnnQuantMatmulV4)

aclnnStatus aclnnWeightQuantBatchMatmulV2GetWorkspaceSize(
    const aclTensor* x, const aclTensor* weight, const aclTensor* antiquantScale,
    const aclTensor* antiquantOffsetOptional, const aclTensor* quantScaleOptional, const aclTensor* quantOffsetOptional,
    const aclTensor* biasOptional, int antiquantGroupSize, const aclTensor* y, uint64_t* workspaceSize,
    aclOpExecutor** executor) {
  return first_call("aclnnWeightQuantBatchMatmulV2", workspaceSize, executor, [&](Operation& op) {
    op.absent(quantScaleOptional, "quantScale");
    op.absent(quantOffsetOptional, "quantOffset");
    const Operand in = op.input(x, "x", half_types);
    const Operand matrix = op.input(weight, "weight", int8_only);
    const Operand scales = op.input(antiquantScale, "antiquantScale", half_types);
    const std::optional<Operand> offsets = op.optional_input(antiquantOffsetOptional, "antiquantOffset", half_types);
    const std::optional<Operand> added =
        op.optional_input(biasOptional, "bias", types({in.type == ACL_BF16 ? ACL_FLOAT : ACL_FLOAT16}));
    const Operand out = op.output(y, "y", half_types);
    op.require(in.rank() == 2 && matrix.rank() == 2 && matrix.shape[0] == in.shape[1], "x is [m, k], weight [k, n]");
    const int64_t m = in.shape[0], k = in.shape[1], n = matrix.shape[1], group = antiquantGroupSize;
    op.require(k <= max_columns && n <= max_columns, "k and n are at most 65535");
    op.require(group == 0 || (group % 32 == 0 && group >= 32 && group < k), "groups are multiples of 32 below k");
    op.attribute(group);
    op.same_type(scales, in);
    op.same_type(out, in);
    const int64_t groups = group == 0 ? 1 : (k + group - 1) / group;
    op.require(
        group == 0 ? scales.shape == Shape{n} || scales.shape == Shape({1, n}) : scales.shape == Shape({groups, n}),
        "antiquantScale is " + to_string(scales.shape));
    if (offsets) {
      op.same_shape(*offsets, scales);
      op.same_type(*offsets, in);
    }
    if (added) op.shape_is(*added, {n});
    op.shape_is(out, {m, n});
    op.workspace(1 << 20);
    op.run([=](const Work& work) {
      Floats values = floats(work[matrix]);
      const Floats scale_of = floats(work[scales]), offset_of = offsets ? floats(work[*offsets]) : Floats{};
      for (int64_t i = 0; i < k * n; ++i) {
        const auto at = static_cast<size_t>((group == 0 ? 0 : i / n / group) * n + i % n);
        float& value = values[static_cast<size_t>(i)];
        if (!offset_of.empty()) value += offset_of[at];
        value *= scale_of[at];
      }
      Floats result(static_cast<size_t>(m * n));
      multiply(m, n, k, floats(work[in]).data(), values.data(), false, 0, result.data());
      if (added) {
        const Floats bias = floats(work[*added]);
        for (size_t i = 0; i < result.size(); ++i) result[i] += bias[i % bias.size()];
      }
      store(work[out], result);
    });
  });
}
SECOND_CALL(aclnnWeightQuantBatchMatmulV2)

}  // extern "C"
