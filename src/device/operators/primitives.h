// Primitives: the operators that lowerings are made of beside copy, add and multiply. The model calls none of them; a
// device that lacks one of operators.h needs those that its lowering calls (docs/devices.md has the table).
//
// They compute in f32; gemm, gather_rows and grouped_linear take values of the compute type as they are. Indices are
// i32, on the device. Shapes of in and out are equal where nothing else is said, and out may be an input where both
// have the same strides.
#pragma once

#include "device/operators/operators.h"

namespace lectern {

// exp, sqrt: of every element.
struct UnaryArgs {
  StridedView in = {};
  MutableStridedView out = {};
};

// reduce_sum, reduce_max: [..., n] -> [..., 1], n > 0.
struct ReduceArgs {
  StridedView in = {};
  MutableStridedView out = {};
};

// softmax: over the last extent. cumulative_sum: along it, every element included in its own sum.
struct LineArgs {
  TensorView in = {};
  MutableTensorView out = {};
};

// x = activation(x)
struct ActivateArgs {
  Activation activation = Activation::none;
  MutableTensorView x = {};
};

// out row i = table row indices[i], in f32; indices i32 [rows].
struct GatherArgs {
  const Weight& table;
  TensorView indices = {};
  MutableTensorView out = {};
};

// Rows of width elements. gather_rows: out[i] = in[indices[i]], of any type. scatter_rows: out[indices[i]] = in[i], the
// indices all different; scatter_add: out[indices[i]] += in[i], the indices in any order and number, f32.
struct RowsArgs {
  TensorView in = {};       // [rows, width]
  TensorView indices = {};  // i32 [n], each a row of what is looked up in
  MutableTensorView out = {};
};

// ids[i] = the place of the largest in logits row i, of equal ones the lowest, of those that are not banned: `banned`
// names them in ascending order by their place in all of logits, row * vocabulary + id, or is empty.
// log_probabilities[i] = that of the chosen id among all of the row, banned ones included. A NaN logit is skipped, or
// makes log_probabilities[i] NaN; if none is left to choose, ids[i] is -1 or banned.
// logits [rows, vocabulary] f32; banned i32 [n]; ids i32 [rows]; log_probabilities f32 [rows].
struct ArgmaxArgs {
  TensorView logits = {};
  TensorView banned = {};
  MutableTensorView ids = {};
  MutableTensorView log_probabilities = {};
};

// where: out = mask != 0 ? a : b; the mask holds zeros and ones.
struct WhereArgs {
  StridedView mask = {};
  StridedView a = {};
  StridedView b = {};
  MutableStridedView out = {};
};

// gemm: out = in * weight^T. in [rows, in], compute type; out [rows, out] f32.
struct GemmArgs {
  TensorView in = {};
  const Weight& weight;
  MutableTensorView out = {};
};

// batched_matmul: out[p, q, i, j] = sum over k of a[p, q, i, k] * b[p, q, j, k]; a and b of any strides, out dense.
// f32.
struct BatchedMatmulArgs {
  StridedView a = {};
  StridedView b = {};
  MutableTensorView out = {};
};

// out[i] = in[next row] wherever mask[i] != 0, the rows of in one after the other. in [n, width] holds at least as
// many rows as the mask has ones; mask f32 [rows]; out [rows, width] f32.
struct MaskedScatterArgs {
  TensorView in = {};
  TensorView mask = {};
  MutableTensorView out = {};
};

// The largest values of every row by falling value, of equal ones the lower index first. in f32 [rows, n]; values f32
// and indices i32 [rows, k], k <= n.
struct TopKArgs {
  TensorView in = {};
  MutableTensorView values = {};
  MutableTensorView indices = {};
};

// order[i] = index of the i-th smallest key, of equal ones the lower index first. Both i32 [n].
struct SortArgs {
  TensorView keys = {};
  MutableTensorView order = {};
};

// out row i = activation(in row i * weight^T), the weight being part first + step * (groups[i] - first_group) of the
// stack, which are all of one shape; groups i32 [rows] rise. in [rows, in] and out [rows, out], compute type. Rows of a
// group whose weight is not in the stack become zero.
struct GroupedLinearArgs {
  TensorView in = {};
  TensorView groups = {};
  const WeightStack& weights;
  int64_t first = 0;
  int64_t step = 1;
  Activation activation = Activation::none;
  MutableTensorView out = {};
  int64_t first_group = 0;

  bool has(int64_t group) const { return group >= first_group && group - first_group < count(); }
  const Weight& weight(int64_t group) const {
    return weights[static_cast<size_t>(first + step * (group - first_group))];
  }
  int64_t count() const { return (static_cast<int64_t>(weights.parts.size()) - first + step - 1) / step; }  // weights
};

// As LECTERN_MODEL_OPERATORS: name, arguments, the type that chooses the plan.
#define LECTERN_PRIMITIVES(X)                        \
  X(write_kv, WriteKvArgs, args.keys.type)           \
  X(experts, ExpertsArgs, args.in.type)              \
  X(activate, ActivateArgs, f32)                     \
  X(softmax, LineArgs, f32)                          \
  X(argmax, ArgmaxArgs, f32)                         \
  X(grouped_linear, GroupedLinearArgs, args.in.type) \
  X(top_k, TopKArgs, f32)                            \
  X(sort, SortArgs, f32)                             \
  X(gather, GatherArgs, f32)                         \
  X(gather_rows, RowsArgs, args.in.type)             \
  X(scatter_rows, RowsArgs, f32)                     \
  X(scatter_add, RowsArgs, f32)                      \
  X(masked_scatter, MaskedScatterArgs, f32)          \
  X(cumulative_sum, LineArgs, f32)                   \
  X(where, WhereArgs, f32)                           \
  X(multiply, BinaryArgs, args.a.type)               \
  X(subtract, BinaryArgs, f32)                       \
  X(gemm, GemmArgs, args.in.type)                    \
  X(batched_matmul, BatchedMatmulArgs, f32)          \
  X(divide, BinaryArgs, f32)                         \
  X(maximum, BinaryArgs, f32)                        \
  X(exp, UnaryArgs, f32)                             \
  X(sqrt, UnaryArgs, f32)                            \
  X(reduce_sum, ReduceArgs, f32)                     \
  X(reduce_max, ReduceArgs, f32)

}  // namespace lectern
