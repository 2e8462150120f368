// Products of groups of rows with a weight of their own: section 3.2.
#include <cmath>

#include "aclnnop/aclnn_grouped_matmul_v4.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

struct GroupedArguments {
  const aclTensorList *x, *weight, *bias;
  const aclTensor* groups;
  int64_t split_item, group_type, group_list_type, act_type;
  aclTensorList* out;
};

// Rows of every group, from the group list; what does not add up is a fault of the caller that no device notices.
std::vector<int64_t> rows_of(const Tensor& list, int64_t type, int64_t groups, int64_t rows) {
  const Integers values = integers(list);
  std::vector<int64_t> counts(static_cast<size_t>(groups), 0);
  int64_t before = 0;
  for (size_t i = 0; i < static_cast<size_t>(list.shape[0]); ++i) {
    const size_t group = type == 2 ? static_cast<size_t>(checked_index(values[2 * i], groups, "group list")) : i;
    counts[group] = type == 0 ? values[i] - before : type == 1 ? values[i] : values[2 * i + 1];
    if (counts[group] < 0) fault("the group list holds a negative number of rows");
    before += counts[group];
  }
  if (before != rows) {
    fault("the group list adds up to " + std::to_string(before) + " rows of " + std::to_string(rows));
  }
  return counts;
}

// One matrix, dense or as a transposed view.
struct Weight {
  Floats values;
  bool transposed;
};
Weight weight_of(const Tensor& matrix) {
  const Tensor turned = permuted(matrix, {1, 0});
  const bool transposed = !matrix.contiguous() && turned.contiguous();
  return {floats(transposed ? turned : matrix), transposed};
}

// [E, K, N] or a list of [K, N]: the view of one group's matrix.
Tensor member_of(const Work& work, const std::vector<Operand>& weights, size_t group) {
  if (weights.size() > 1 || weights[0].rank() == 2) return work[weights[group]];
  Tensor matrix = narrowed(work[weights[0]], 0, static_cast<int64_t>(group), 1);
  matrix.shape.erase(matrix.shape.begin());
  matrix.strides.erase(matrix.strides.begin());
  return matrix;
}

void check_types(Operation& op, const Operand& x, const Operand& weight, const Operand& out, bool single) {
  op.same_type(x, weight);
  op.same_type(x, out);
  op.require(x.type != ACL_FLOAT || single, "f32 goes with single tensors only");
}

void add_bias(Floats& rows, const Floats& bias) {
  for (size_t i = 0; i < rows.size(); ++i) rows[i] += bias[i % bias.size()];
}

// Rows of one tensor, split among the groups.
void split_rows(Operation& op, const std::vector<Operand>& x, const std::vector<Operand>& weight,
                const std::vector<Operand>& bias, const std::vector<Operand>& out, const GroupedArguments& arguments) {
  op.require(x.size() == 1 && out.size() == 1, "with groupType 0 the fake takes one x and one out");
  op.require(arguments.split_item == 2 || arguments.split_item == 3, "splitItem is 2 or 3 for a single out");
  const bool listed = weight.size() > 1;
  const size_t groups = listed ? weight.size() : static_cast<size_t>(weight[0].shape[0]);
  op.require(groups <= (listed ? 128 : 1024), "too many groups");
  op.require(!is_310p() || !listed, "lists of weights are not on this chip");
  const int64_t m = x[0].shape[0], k = x[0].shape.back();
  op.require(x[0].rank() == 2 && x[0].strides[1] == 1, "x has two extents and is not transposed");
  const int64_t n = weight[0].shape.back();
  for (const Operand& matrix : weight) {
    op.require(matrix.rank() == (listed ? 2 : 3), "weight is [E, K, N], or a list of [K, N]");
    op.require(matrix.shape[matrix.shape.size() - 2] == k && matrix.shape.back() == n, "weight does not fit x");
  }
  op.require(k < 65536 && n < 65536, "the inner-most extents are below 65536");
  op.shape_is(out[0], {m, n});
  check_types(op, x[0], weight[0], out[0], x.size() == 1 && !listed);
  if (!bias.empty()) {
    op.require(bias.size() == weight.size(), "as many biases as weights");
    for (const Operand& row : bias) op.shape_is(row, listed ? Shape{n} : Shape{static_cast<int64_t>(groups), n});
  }
  const Operand list = op.input(arguments.groups, "groupList", types({ACL_INT64}), {.contiguous = true});
  const int64_t type = arguments.group_list_type;
  op.require(type >= 0 && type <= 2, "groupListType is 0, 1 or 2");
  op.require(list.rank() == (type == 2 ? 2 : 1) && list.shape[0] == static_cast<int64_t>(groups),
             "groupList is " + to_string(list.shape) + " for " + std::to_string(groups) + " groups");
  op.workspace((128 << 10) + static_cast<uint64_t>(out[0].elements()) * 4);
  op.operations(2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
  // Rows choose independently and alike: so much of the weights is read.
  const auto count = static_cast<double>(groups);
  const double read = 1 - std::pow(1 - 1 / count, static_cast<double>(m));
  for (const Operand& matrix : weight) {
    op.moves(matrix, read * static_cast<double>(matrix.elements()) * static_cast<double>(matrix.element_bytes()));
    op.takes_transposed(matrix);
  }
  op.run([=](const Work& work) {
    const std::vector<int64_t> rows = rows_of(work[list], type, static_cast<int64_t>(groups), m);
    const Floats in = floats(work[x[0]]);
    Floats result(static_cast<size_t>(m * n));
    int64_t first = 0;
    for (size_t group = 0; group < groups; first += rows[group++]) {
      if (rows[group] == 0) continue;
      const Weight matrix = weight_of(member_of(work, weight, group));
      float* at = result.data() + first * n;
      multiply(rows[group], n, k, in.data() + first * k, matrix.values.data(), matrix.transposed, 0, at);
      if (bias.empty()) continue;
      const Tensor row = listed ? work[bias[group]] : narrowed(work[bias[0]], 0, static_cast<int64_t>(group), 1);
      const Floats added = floats(row);
      for (int64_t i = 0; i < rows[group] * n; ++i) at[i] += added[static_cast<size_t>(i % n)];
    }
    store(work[out[0]], result);
  });
}

// A list of products that have nothing to do with one another.
void separate(Operation& op, const std::vector<Operand>& x, const std::vector<Operand>& weight,
              const std::vector<Operand>& bias, const std::vector<Operand>& out) {
  op.require(x.size() == weight.size() && x.size() == out.size(), "x, weight and out have different lengths");
  op.require(bias.empty() || bias.size() == x.size(), "as many biases as weights");
  for (size_t i = 0; i < x.size(); ++i) {
    op.require(x[i].rank() == 2 && weight[i].rank() == 2 && x[i].shape[1] == weight[i].shape[0],
               "the shapes do not multiply");
    op.shape_is(out[i], {x[i].shape[0], weight[i].shape[1]});
    if (!bias.empty()) op.shape_is(bias[i], {weight[i].shape[1]});
    check_types(op, x[i], weight[i], out[i], x.size() == 1);
  }
  op.workspace(128 << 10);
  for (size_t i = 0; i < x.size(); ++i) {
    op.operations(2 * static_cast<double>(out[i].elements()) * static_cast<double>(x[i].shape[1]));
    op.takes_transposed(weight[i]);
  }
  op.run([=](const Work& work) {
    for (size_t i = 0; i < x.size(); ++i) {
      const Weight matrix = weight_of(work[weight[i]]);
      Floats result(static_cast<size_t>(out[i].elements()));
      multiply(x[i].shape[0], weight[i].shape[1], x[i].shape[1], floats(work[x[i]]).data(), matrix.values.data(),
               matrix.transposed, 0, result.data());
      if (!bias.empty()) add_bias(result, floats(work[bias[i]]));
      store(work[out[i]], result);
    }
  });
}

void grouped_product(Operation& op, const GroupedArguments& arguments) {
  const std::vector<Operand> x = op.input_list(arguments.x, "x", floating);
  const std::vector<Operand> weight = op.input_list(arguments.weight, "weight", floating);
  std::vector<Operand> bias;
  if (arguments.bias != nullptr) {
    bias = op.input_list(arguments.bias, "bias", types({x[0].type == ACL_BF16 ? ACL_FLOAT : x[0].type}));
  }
  const std::vector<Operand> out = op.output_list(arguments.out, "out", floating, {.contiguous = true});
  op.require(arguments.act_type == 0, "actType is 0 where nothing is quantised");
  for (const int64_t value : {arguments.split_item, arguments.group_type, arguments.group_list_type})
    op.attribute(value);
  if (arguments.group_type == 0) return split_rows(op, x, weight, bias, out, arguments);
  op.require(arguments.group_type == -1, "the fake has groupType 0 and -1");
  op.absent(arguments.groups, "groupList");
  separate(op, x, weight, bias, out);
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnGroupedMatmulV4GetWorkspaceSize(
    const aclTensorList* x, const aclTensorList* weight, const aclTensorList* biasOptional,
    const aclTensorList* scaleOptional, const aclTensorList* offsetOptional,
    const aclTensorList* antiquantScaleOptional, const aclTensorList* antiquantOffsetOptional,
    const aclTensorList* perTokenScaleOptional, const aclTensor* groupListOptional,
    const aclTensorList* activationInputOptional, const aclTensorList* activationQuantScaleOptional,
    const aclTensorList* activationQuantOffsetOptional, int64_t splitItem, int64_t groupType, int64_t groupListType,
    int64_t actType, aclTensorList* out, aclTensorList* activationFeatureOutOptional,
    aclTensorList* dynQuantScaleOutOptional, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnGroupedMatmulV4", workspaceSize, executor, [&](Operation& op) {
    for (const aclTensorList* list :
         {scaleOptional, offsetOptional, antiquantScaleOptional, antiquantOffsetOptional, perTokenScaleOptional,
          activationInputOptional, activationQuantScaleOptional, activationQuantOffsetOptional,
          static_cast<const aclTensorList*>(activationFeatureOutOptional),
          static_cast<const aclTensorList*>(dynQuantScaleOutOptional)}) {
      op.absent(list, "a list for quantised products");
    }
    grouped_product(op,
                    {x, weight, biasOptional, groupListOptional, splitItem, groupType, groupListType, actType, out});
  });
}
SECOND_CALL(aclnnGroupedMatmulV4)

// From 8.2.
aclnnStatus aclnnGroupedMatmulV5GetWorkspaceSize(
    const aclTensorList* x, const aclTensorList* weight, const aclTensorList* biasOptional,
    const aclTensorList* scaleOptional, const aclTensorList* offsetOptional,
    const aclTensorList* antiquantScaleOptional, const aclTensorList* antiquantOffsetOptional,
    const aclTensorList* perTokenScaleOptional, const aclTensor* groupListOptional,
    const aclTensorList* activationInputOptional, const aclTensorList* activationQuantScaleOptional,
    const aclTensorList* activationQuantOffsetOptional, int64_t splitItem, int64_t groupType, int64_t groupListType,
    int64_t actType, aclIntArray* tuningConfigOptional, aclTensorList* out, aclTensorList* activationFeatureOutOptional,
    aclTensorList* dynQuantScaleOutOptional, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnGroupedMatmulV5", workspaceSize, executor, [&](Operation& op) {
    for (const aclTensorList* list :
         {scaleOptional, offsetOptional, antiquantScaleOptional, antiquantOffsetOptional, perTokenScaleOptional,
          activationInputOptional, activationQuantScaleOptional, activationQuantOffsetOptional,
          static_cast<const aclTensorList*>(activationFeatureOutOptional),
          static_cast<const aclTensorList*>(dynQuantScaleOutOptional)}) {
      op.absent(list, "a list for quantised products");
    }
    op.optional_ints(tuningConfigOptional, "tuningConfig");
    grouped_product(op,
                    {x, weight, biasOptional, groupListOptional, splitItem, groupType, groupListType, actType, out});
  });
}
SECOND_CALL(aclnnGroupedMatmulV5)

}  // extern "C"
