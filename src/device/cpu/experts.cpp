// Mixture of experts: rows are grouped by expert, so that each expert's weights are read once for all of them.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "device/cpu/kernels.h"
#include "device/device.h"

namespace lectern::cpu {
namespace {

struct Choice {
  int64_t row;
  float score;
};

// -> for every expert the rows that chose it, with their scores.
std::vector<std::vector<Choice>> route(Device& device, const ExpertsArgs& args) {
  const auto count = static_cast<int64_t>(args.experts.size());
  const int64_t rows = args.in.shape[0];
  const Tensor scores(device, DataType::f32, {rows, count});
  device.linear({.in = args.in, .weight = args.router, .out = scores});
  std::vector<std::vector<Choice>> chosen(args.experts.size());
  std::vector<int64_t> order(args.experts.size());
  for (int64_t row = 0; row < rows; ++row) {
    float* score = scores.floats() + row * count;
    const float peak = *std::max_element(score, score + count);
    float total = 0;
    for (int64_t e = 0; e < count; ++e) total += score[e] = std::exp(score[e] - peak);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + args.top_k, order.end(),
                      [&](int64_t a, int64_t b) { return score[a] != score[b] ? score[a] > score[b] : a < b; });
    if (args.renormalise) {
      total = 0;
      for (int k = 0; k < args.top_k; ++k) total += score[order[static_cast<size_t>(k)]];
    }
    for (int k = 0; k < args.top_k; ++k) {
      const int64_t e = order[static_cast<size_t>(k)];
      chosen[static_cast<size_t>(e)].push_back({row, score[e] / total * args.scale});
    }
  }
  return chosen;
}

void add_scaled(const float* y, float score, float* out, int64_t width) {
  for (int64_t i = 0; i < width; ++i) out[i] += score * y[i];
}

// Every expert has few rows: all gates and ups in one parallel region, then all downs.
void few_rows(Device& device, const ExpertsArgs& args, const std::vector<std::vector<Choice>>& chosen) {
  const int64_t width = args.in.shape[1];
  const int64_t inner = args.experts[0].gate.out();
  int64_t total = 0;
  for (const auto& rows : chosen) total += static_cast<int64_t>(rows.size());
  const Tensor gates(device, DataType::f32, {total, inner});
  const Tensor ups(device, DataType::f32, {total, inner});
  const Tensor downs(device, DataType::f32, {total, width});
  std::vector<const float*> in, hidden;
  std::vector<float*> gate, up, down;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows) {
      const auto slot = static_cast<int64_t>(in.size());
      in.push_back(args.in.as<float>() + choice.row * width);
      gate.push_back(gates.floats() + slot * inner);
      hidden.push_back(gates.floats() + slot * inner);
      up.push_back(ups.floats() + slot * inner);
      down.push_back(downs.floats() + slot * width);
    }
  }
  std::vector<RowProduct> first, second;
  size_t slot = 0;
  for (size_t e = 0; e < chosen.size(); ++e) {
    const int count = static_cast<int>(chosen[e].size());
    if (count == 0) continue;
    first.push_back({&args.experts[e].gate, in.data() + slot, gate.data() + slot, count});
    first.push_back({&args.experts[e].up, in.data() + slot, up.data() + slot, count});
    second.push_back({&args.experts[e].down, hidden.data() + slot, down.data() + slot, count});
    slot += static_cast<size_t>(count);
  }
  row_products(first);
  silu_multiply(gates.floats(), ups.floats(), total * inner);
  row_products(second);
  slot = 0;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows)
      add_scaled(down[slot++], choice.score, args.out.as<float>() + choice.row * width, width);
  }
}

void many_rows(Device& device, const ExpertsArgs& args, const std::vector<std::vector<Choice>>& chosen) {
  const int64_t width = args.in.shape[1];
  for (size_t e = 0; e < chosen.size(); ++e) {
    const auto rows = static_cast<int64_t>(chosen[e].size());
    if (rows == 0) continue;
    const ExpertWeights& expert = args.experts[e];
    const int64_t inner = expert.gate.out();
    const Tensor in(device, DataType::f32, {rows, width});
    const Tensor gate(device, DataType::f32, {rows, inner});
    const Tensor up(device, DataType::f32, {rows, inner});
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(args.in.as<float>() + chosen[e][static_cast<size_t>(i)].row * width, width, in.floats() + i * width);
    }
    device.linear({.in = in, .weight = expert.gate, .activation = Activation::silu, .out = gate});
    device.linear({.in = in, .weight = expert.up, .out = up});
    device.multiply({gate, up, gate});
    device.linear({.in = gate, .weight = expert.down, .out = in});
    for (int64_t i = 0; i < rows; ++i) {
      const Choice& choice = chosen[e][static_cast<size_t>(i)];
      add_scaled(in.floats() + i * width, choice.score, args.out.as<float>() + choice.row * width, width);
    }
  }
}

}  // namespace

void experts(Device& device, const ExpertsArgs& args) {
  const std::vector<std::vector<Choice>> chosen = route(device, args);
  const bool few =
      std::all_of(chosen.begin(), chosen.end(), [](const auto& rows) { return rows.size() <= max_row_products; });
  if (few) {
    few_rows(device, args, chosen);
  } else {
    many_rows(device, args, chosen);
  }
}

}  // namespace lectern::cpu
