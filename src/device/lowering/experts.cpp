// Mixture of experts. Of its experts' part every row is repeated for each expert that it chose, the rows are sorted by
// expert, multiplied in groups, weighted, and added where they came from.
#include <algorithm>
#include <numeric>

#include "device/lowering/lowerings.h"
#include "device/operators/ranking.h"

namespace lectern::lowering {

void mixture_of_experts(Device& device, const MixtureOfExpertsArgs& args) {
  const Tensor normed(device, args.compute_type, args.x.shape);
  device.rms_norm({.in = args.x, .weight = args.norm, .epsilon = args.epsilon, .out = normed});
  const ExpertsArgs routed = args.of_experts(normed);
  if (args.rest) fill_zero(device, args.rest);
  if (args.experts.count() > 0) device.experts(routed);
  if (args.shared.count() == 0) return;
  const Tensor hidden(device, args.compute_type, {args.x.shape[0], args.shared.gate(0).out()});
  device.gated_linear({.in = normed, .gate_up = args.shared.gates_and_ups, .out = hidden, .written = args.written});
  device.linear({.in = hidden,
                 .weight = args.shared.down(0),
                 .residual = routed.out,
                 .out = routed.out,
                 .written = args.written});
}

void experts(Device& device, const ExpertsArgs& args) {
  const int64_t rows = args.in.shape[0];
  const int64_t width = args.in.shape[1];
  const int64_t count = args.router.out();
  const int64_t slots = rows * args.top_k;
  if (slots == 0) return;
  const Tensor values(device, DataType::f32, {rows, args.top_k});
  const Tensor chosen(device, DataType::i32, {rows, args.top_k});
  {
    const Tensor scores(device, DataType::f32, {rows, count});
    device.linear({.in = args.in, .weight = args.router, .out = scores, .written = args.written});
    device.softmax({scores, scores});
    device.top_k({scores, values, chosen});
  }
  if (args.renormalise) {
    const Tensor sums(device, DataType::f32, {rows, 1});
    device.reduce_sum({values, sums});
    device.divide({.a = values, .b = repeated(sums, values.shape(), {1, 0}), .out = values});
  }
  device.multiply({.a = values, .number = args.scale, .out = values});

  const Tensor order(device, DataType::i32, {slots});
  device.sort({chosen.view().reshaped({slots}), order});
  const auto in_order = [&](const TensorView& column) {
    Tensor sorted(device, column.type, {slots, 1});
    device.gather_rows({column.reshaped({slots, 1}), order, sorted});
    return sorted;
  };
  std::vector<int32_t> row_of_slot(static_cast<size_t>(slots));
  for (size_t i = 0; i < row_of_slot.size(); ++i) row_of_slot[i] = static_cast<int32_t>(i) / args.top_k;
  const Tensor sorted_rows = in_order(from_host(device, row_of_slot));
  const Tensor weights = in_order(values);
  const Tensor groups = in_order(chosen);
  const TensorView sources = sorted_rows.view().reshaped({slots});

  const Tensor in(device, args.in.type, {slots, width});
  device.gather_rows({args.in, sources, in});
  const int64_t inner = args.experts.gate(0).out();
  const Tensor gate(device, args.in.type, {slots, inner});
  const Tensor up(device, args.in.type, {slots, inner});
  const Tensor down(device, DataType::f32, {slots, width});
  const TensorView by_expert = groups.view().reshaped({slots});
  const WeightStack& firsts = args.experts.gates_and_ups;
  const int64_t own = args.first_expert;
  device.grouped_linear({in, by_expert, firsts, 0, 2, Activation::silu, gate, own});
  device.grouped_linear({in, by_expert, firsts, 1, 2, Activation::none, up, own});
  device.multiply({.a = gate, .b = up, .out = gate});
  device.grouped_linear({gate, by_expert, args.experts.downs, 0, 1, Activation::none, down, own});
  device.multiply({.a = down, .b = repeated(weights, down.shape(), {1, 0}), .out = down});
  device.scatter_add({down, sources, args.out});
}

// The host chooses: rows of scores are short.
void top_k(Device& device, const TopKArgs& args) {
  const int64_t rows = args.in.shape[0];
  const int64_t width = args.in.shape[1];
  const int64_t count = args.values.shape[1];
  const std::vector<float> scores = floats_to_host(device, args.in);
  std::vector<float> values;
  std::vector<int32_t> indices;
  std::vector<int32_t> order(static_cast<size_t>(width));
  for (int64_t row = 0; row < rows; ++row) {
    const float* score = scores.data() + row * width;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + count, order.end(),
                      [&](int32_t a, int32_t b) { return ranks_before(score, a, b); });
    indices.insert(indices.end(), order.begin(), order.begin() + count);
    for (int64_t k = 0; k < count; ++k) values.push_back(score[order[static_cast<size_t>(k)]]);
  }
  device.upload(values.data(), args.values);
  device.upload(indices.data(), args.indices);
}

void sort(Device& device, const SortArgs& args) {
  const std::vector<int32_t> keys = indices_to_host(device, args.keys);
  std::vector<int32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int32_t i) { return keys[static_cast<size_t>(i)]; });
  device.upload(order.data(), args.order);
}

}  // namespace lectern::lowering
