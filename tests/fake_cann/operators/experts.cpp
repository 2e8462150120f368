// Mixture of experts: section 3.11.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "aclnnop/aclnn_moe_compute_expert_tokens.h"
#include "aclnnop/aclnn_moe_finalize_routing_v2.h"
#include "aclnnop/aclnn_moe_gating_top_k_softmax.h"
#include "aclnnop/aclnn_moe_gating_top_k_softmax_v2.h"
#include "aclnnop/aclnn_moe_init_routing_v2.h"
#include "aclnnop/aclnn_moe_token_permute.h"
#include "aclnnop/aclnn_moe_token_unpermute.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

constexpr Types int32_only = types({ACL_INT32});
constexpr Rules dense = {.contiguous = true};

// Softmax over all experts, then the k largest; of equal ones the first.
struct Gate {
  Operand x, y, experts;
  std::optional<Operand> rows, softmax;
  int64_t k;
  bool renormalise;

  void check(Operation& op) const {
    op.require(x.rank() == 2 || x.rank() == 3, "x is [tokens, experts]");
    op.require(k > 0 && k <= 1024 && k <= x.shape.back(), "k is out of range");
    Shape shape = x.shape;
    shape.back() = k;
    op.shape_is(y, shape);
    op.shape_is(experts, shape);
    op.same_type(x, y);
    if (rows) op.shape_is(*rows, shape);
    if (softmax) op.shape_is(*softmax, x.shape);
    op.attribute(k);
    op.workspace(64 << 10);
  }

  void operator()(const Work& work) const {
    Floats scores = floats(work[x]);
    const auto count = static_cast<size_t>(x.shape.back());
    const size_t tokens = scores.size() / count;
    Floats best;
    Integers chosen, places;
    for (size_t token = 0; token < tokens; ++token) {
      float* row = scores.data() + token * count;
      const float largest = *std::max_element(row, row + count);
      double sum = 0;
      for (size_t i = 0; i < count; ++i) sum += static_cast<double>(row[i] = std::exp(row[i] - largest));
      for (size_t i = 0; i < count; ++i) row[i] = static_cast<float>(static_cast<double>(row[i]) / sum);
      std::vector<int64_t> order(count);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)]; });
      double total = 0;
      for (int64_t j = 0; j < k; ++j) total += static_cast<double>(row[order[static_cast<size_t>(j)]]);
      for (int64_t j = 0; j < k; ++j) {
        const int64_t expert = order[static_cast<size_t>(j)];
        best.push_back(renormalise ? static_cast<float>(static_cast<double>(row[expert]) / total) : row[expert]);
        chosen.push_back(expert);
        places.push_back(j * static_cast<int64_t>(tokens) + static_cast<int64_t>(token));
      }
    }
    store(work[y], best);
    store(work[experts], chosen);
    if (rows) store(work[*rows], places);
    if (softmax) store(work[*softmax], scores);
  }
};

// The pairs (token, choice), as t * k + j, in the order of their experts.
std::vector<int64_t> sorted_pairs(const Integers& experts) {
  std::vector<int64_t> order(experts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return experts[static_cast<size_t>(a)] < experts[static_cast<size_t>(b)];
  });
  return order;
}

// Rows of x for every pair in that order, and for every pair its row.
void expand(const Work& work, const Operand& x, int64_t k, const std::vector<int64_t>& order, const Operand& expanded,
            const Operand& rows) {
  const std::vector<std::byte> from = raw(work[x]);
  const size_t bytes = x.shape[0] == 0 ? 0 : from.size() / static_cast<size_t>(x.shape[0]);
  std::vector<std::byte> result(order.size() * bytes);
  Integers row_of(order.size());
  for (size_t row = 0; row < order.size(); ++row) {
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(order[row] / k) * bytes), bytes,
                result.begin() + static_cast<std::ptrdiff_t>(row * bytes));
    row_of[static_cast<size_t>(order[row])] = static_cast<int64_t>(row);
  }
  store_raw(work[expanded], result);
  store(work[rows], row_of);
}

// Sum over the choices of a token of weight * row; rows [pairs, h], weights [tokens, k] or none.
Floats combined(const Floats& rows, const Integers& row_of, const Floats& weights, int64_t tokens, int64_t k,
                int64_t h) {
  Floats sum(static_cast<size_t>(tokens * h), 0.0f);
  for (int64_t pair = 0; pair < tokens * k; ++pair) {
    const int64_t row = checked_index(row_of[static_cast<size_t>(pair)], tokens * k, "the rows of experts");
    const float weight = weights.empty() ? 1.0f : weights[static_cast<size_t>(pair)];
    for (int64_t i = 0; i < h; ++i) {
      sum[static_cast<size_t>(pair / k * h + i)] += weight * rows[static_cast<size_t>(row * h + i)];
    }
  }
  return sum;
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnMoeGatingTopKSoftmaxGetWorkspaceSize(const aclTensor* x, const aclTensor* finishedOptional, int64_t k,
                                                      const aclTensor* yOut, const aclTensor* expertIdxOut,
                                                      const aclTensor* rowIdxOut, uint64_t* workspaceSize,
                                                      aclOpExecutor** executor) {
  return first_call("aclnnMoeGatingTopKSoftmax", workspaceSize, executor, [&](Operation& op) {
    op.absent(finishedOptional, "finished");
    const Operand in = op.input(x, "x", floating);
    const Operand y = op.output(yOut, "yOut", floating, dense);
    const Operand experts = op.output(expertIdxOut, "expertIdxOut", int32_only, dense);
    const Gate gate{in, y, experts, op.output(rowIdxOut, "rowIdxOut", int32_only, dense), std::nullopt, k, false};
    gate.check(op);
    op.run(gate);
  });
}
SECOND_CALL(aclnnMoeGatingTopKSoftmax)

aclnnStatus aclnnMoeGatingTopKSoftmaxV2GetWorkspaceSize(const aclTensor* x, const aclTensor* finishedOptional,
                                                        int64_t k, int64_t renorm, bool outputSoftmaxResultFlag,
                                                        const aclTensor* yOut, const aclTensor* expertIdxOut,
                                                        const aclTensor* softmaxResultOutOptional,
                                                        uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMoeGatingTopKSoftmaxV2", workspaceSize, executor, [&](Operation& op) {
    op.absent(finishedOptional, "finished");
    op.require(renorm == 0 || renorm == 1, "renorm is 0 or 1");
    const Operand in = op.input(x, "x", floating);
    const Operand y = op.output(yOut, "yOut", floating, dense);
    const Operand experts = op.output(expertIdxOut, "expertIdxOut", int32_only, dense);
    Gate gate{in, y, experts, std::nullopt, std::nullopt, k, renorm == 1};
    if (outputSoftmaxResultFlag) {
      gate.softmax = op.output(softmaxResultOutOptional, "softmaxResultOut", types({ACL_FLOAT}), dense);
    }
    op.attribute(renorm);
    gate.check(op);
    op.run(gate);
  });
}
SECOND_CALL(aclnnMoeGatingTopKSoftmaxV2)

aclnnStatus aclnnMoeInitRoutingV2GetWorkspaceSize(
    const aclTensor* x, const aclTensor* expertIdx, int64_t activeNumOptional, int64_t expertCapacityOptional,
    int64_t expertNumOptional, int64_t dropPadModeOptional, int64_t expertTokensCountOrCumsumFlagOptional,
    bool expertTokensBeforeCapacityFlagOptional, const aclTensor* expandedXOut, const aclTensor* expandedRowIdxOut,
    const aclTensor* expertTokensCountOrCumsumOutOptional, const aclTensor* expertTokensBeforeCapacityOutOptional,
    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMoeInitRoutingV2", workspaceSize, executor, [&](Operation& op) {
    op.require(activeNumOptional == 0 && expertCapacityOptional == 0 && dropPadModeOptional == 0 &&
                   !expertTokensBeforeCapacityFlagOptional,
               "the fake drops no tokens: activeNum, expertCapacity and dropPadMode are 0");
    op.absent(expertTokensBeforeCapacityOutOptional, "expertTokensBeforeCapacityOut");
    const int64_t flag = expertTokensCountOrCumsumFlagOptional, experts = expertNumOptional;
    op.require(flag >= 0 && flag <= 2, "the flag is 0, 1 or 2");
    for (const int64_t value : {flag, experts}) op.attribute(value);
    const Operand in = op.input(x, "x", floating);
    const Operand chosen = op.input(expertIdx, "expertIdx", int32_only);
    op.require(in.rank() == 2 && chosen.rank() == 2 && chosen.shape[0] == in.shape[0],
               "x is [tokens, h], expertIdx [tokens, k]");
    const Operand expanded = op.output(expandedXOut, "expandedXOut", floating, dense);
    const Operand rows = op.output(expandedRowIdxOut, "expandedRowIdxOut", int32_only, dense);
    const int64_t pairs = chosen.elements(), k = chosen.shape[1];
    op.shape_is(expanded, {pairs, in.shape[1]});
    op.same_type(expanded, in);
    op.shape_is(rows, {pairs});
    std::optional<Operand> counts;
    op.require((flag != 0) == (expertTokensCountOrCumsumOutOptional != nullptr), "the counts go with the flag");
    if (flag != 0) {
      counts = op.output(expertTokensCountOrCumsumOutOptional, "expertTokensCountOrCumsumOut", int32_only, dense);
      op.require(experts > 0, "expertNum is 0");
      op.shape_is(*counts, {experts});
    }
    op.workspace(64 << 10);
    op.run([=](const Work& work) {
      const Integers expert_of = integers(work[chosen]);
      if (experts > 0) {
        for (const int64_t expert : expert_of) checked_index(expert, experts, "expertIdx");
      }
      expand(work, in, k, sorted_pairs(expert_of), expanded, rows);
      if (!counts) return;
      Integers rows_of(static_cast<size_t>(experts), 0);
      for (const int64_t expert : expert_of) ++rows_of[static_cast<size_t>(expert)];
      if (flag == 1) std::partial_sum(rows_of.begin(), rows_of.end(), rows_of.begin());
      store(work[*counts], rows_of);
    });
  });
}
SECOND_CALL(aclnnMoeInitRoutingV2)

aclnnStatus aclnnMoeComputeExpertTokensGetWorkspaceSize(const aclTensor* sortedExperts, int64_t numExperts,
                                                        const aclTensor* out, uint64_t* workspaceSize,
                                                        aclOpExecutor** executor) {
  return first_call("aclnnMoeComputeExpertTokens", workspaceSize, executor, [&](Operation& op) {
    const Operand experts = op.input(sortedExperts, "sortedExperts", int32_only);
    const Operand y = op.output(out, "out", int32_only, dense);
    op.require(experts.rank() == 1 && numExperts > 0, "sortedExperts has one extent");
    op.shape_is(y, {numExperts});
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      Integers sums(static_cast<size_t>(numExperts), 0);
      for (const int64_t expert : integers(work[experts]))
        ++sums[static_cast<size_t>(checked_index(expert, numExperts, "sortedExperts"))];
      std::partial_sum(sums.begin(), sums.end(), sums.begin());
      store(work[y], sums);
    });
  });
}
SECOND_CALL(aclnnMoeComputeExpertTokens)

aclnnStatus aclnnMoeFinalizeRoutingV2GetWorkspaceSize(const aclTensor* expandedX, const aclTensor* expandedRowIdx,
                                                      const aclTensor* x1Optional, const aclTensor* x2Optional,
                                                      const aclTensor* biasOptional, const aclTensor* scalesOptional,
                                                      const aclTensor* expertIdxOptional, int64_t dropPadMode,
                                                      const aclTensor* out, uint64_t* workspaceSize,
                                                      aclOpExecutor** executor) {
  return first_call("aclnnMoeFinalizeRoutingV2", workspaceSize, executor, [&](Operation& op) {
    op.require(dropPadMode == 0 || dropPadMode == 2, "the fake has dropPadMode 0 and 2");
    op.absent(biasOptional, "bias");
    op.absent(expertIdxOptional, "expertIdx");
    op.attribute(dropPadMode);
    const Operand rows = op.input(expandedX, "expandedX", floating);
    const Operand row_of = op.input(expandedRowIdx, "expandedRowIdx", int32_only);
    const std::optional<Operand> first = op.optional_input(x1Optional, "x1", floating);
    const std::optional<Operand> second = op.optional_input(x2Optional, "x2", floating);
    const std::optional<Operand> scales = op.optional_input(scalesOptional, "scales", floating);
    const Operand y = op.output(out, "out", floating, dense);
    op.require(!second || first, "x2 needs x1");
    op.require(rows.rank() == 2 && y.rank() == 2 && y.shape[1] == rows.shape[1], "expandedX and out have two extents");
    const int64_t tokens = y.shape[0], h = y.shape[1];
    op.require(tokens > 0 && rows.shape[0] % tokens == 0, "expandedX does not hold k rows for each token");
    const int64_t k = rows.shape[0] / tokens;
    op.shape_is(row_of, {tokens * k});
    op.require(scales || k == 1, "without scales there is one choice for each token");
    if (scales) {
      op.shape_is(*scales, {tokens, k});
      op.require(scales->type == rows.type ||
                     (rows.type == ACL_BF16 && scales->type == ACL_FLOAT && version_is_at_least("8.5.0")),
                 "scales have another type than expandedX");
    }
    for (const auto& added : {first, second}) {
      if (!added) continue;
      op.same_shape(*added, y);
      op.same_type(*added, y);
    }
    op.same_type(rows, y);
    op.workspace(64 << 10);
    op.run([=](const Work& work) {
      Integers places = integers(work[row_of]);
      if (dropPadMode == 0) {  // by columns: j * tokens + t
        Integers by_rows(places.size());
        for (int64_t i = 0; i < tokens * k; ++i) {
          by_rows[static_cast<size_t>(i)] = places[static_cast<size_t>(i % k * tokens + i / k)];
        }
        places = by_rows;
      }
      Floats sum = combined(floats(work[rows]), places, scales ? floats(work[*scales]) : Floats{}, tokens, k, h);
      for (const auto& added : {first, second}) {
        if (!added) continue;
        const Floats values = floats(work[*added]);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
      }
      store(work[y], sum);
    });
  });
}
SECOND_CALL(aclnnMoeFinalizeRoutingV2)

aclnnStatus aclnnMoeTokenUnpermuteGetWorkspaceSize(const aclTensor* permutedTokens, const aclTensor* sortedIndices,
                                                   const aclTensor* probsOptional, bool paddedMode,
                                                   const aclIntArray* restoreShapeOptional, const aclTensor* out,
                                                   uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMoeTokenUnpermute", workspaceSize, executor, [&](Operation& op) {
    op.require(!paddedMode, "paddedMode is false");
    op.absent(restoreShapeOptional, "restoreShape");
    const Operand rows = op.input(permutedTokens, "permutedTokens", floating);
    const Operand row_of = op.input(sortedIndices, "sortedIndices", int32_only);
    const std::optional<Operand> weights = op.optional_input(probsOptional, "probs", floating);
    const Operand y = op.output(out, "out", floating, dense);
    op.require(rows.rank() == 2 && y.rank() == 2 && y.shape[1] == rows.shape[1],
               "permutedTokens and out have two extents");
    op.same_type(rows, y);
    const int64_t tokens = y.shape[0];
    const int64_t k = weights ? weights->shape.back() : 1;
    if (weights) op.shape_is(*weights, {tokens, k});
    op.shape_is(rows, {tokens * k, y.shape[1]});
    op.shape_is(row_of, {tokens * k});
    op.workspace(64 << 10);
    op.run([=](const Work& work) {
      store(work[y], combined(floats(work[rows]), integers(work[row_of]), weights ? floats(work[*weights]) : Floats{},
                              tokens, k, y.shape[1]));
    });
  });
}
SECOND_CALL(aclnnMoeTokenUnpermute)

aclnnStatus aclnnMoeTokenPermuteGetWorkspaceSize(const aclTensor* tokens, const aclTensor* indices,
                                                 int64_t numOutTokens, bool paddedMode,
                                                 const aclTensor* permuteTokensOut, const aclTensor* sortedIndicesOut,
                                                 uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMoeTokenPermute", workspaceSize, executor, [&](Operation& op) {
    op.require(!paddedMode, "paddedMode is false");
    const Operand x = op.input(tokens, "tokens", floating);
    const Operand chosen = op.input(indices, "indices", index_types);
    const Operand expanded = op.output(permuteTokensOut, "permuteTokensOut", floating, dense);
    const Operand rows = op.output(sortedIndicesOut, "sortedIndicesOut", int32_only, dense);
    op.require(x.rank() == 2 && chosen.rank() <= 2 && chosen.shape[0] == x.shape[0], "tokens [t, h], indices [t, k]");
    const int64_t pairs = chosen.elements(), k = chosen.rank() == 2 ? chosen.shape[1] : 1;
    op.require(numOutTokens == 0 || numOutTokens == pairs, "the fake keeps every token: numOutTokens is 0");
    op.shape_is(expanded, {pairs, x.shape[1]});
    op.same_type(expanded, x);
    op.shape_is(rows, {pairs});
    op.workspace(64 << 10);
    op.run([=](const Work& work) { expand(work, x, k, sorted_pairs(integers(work[chosen])), expanded, rows); });
  });
}
SECOND_CALL(aclnnMoeTokenPermute)

}  // extern "C"
