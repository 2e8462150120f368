// Mixture of experts: rows are grouped by expert, so that each expert's weights are read once for all of them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/panel_products.h"
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

// Zero where no result is written: between a row's values and its padded end.
void clear_padding(const ProductRows& rows, int64_t columns) {
  const size_t size = size_of(rows.view().type);
  const auto bytes = static_cast<size_t>(rows.stride() - columns) * size;
  for (int64_t i = 0; i < rows.count() && bytes > 0; ++i)
    std::memset(rows.writable().data + static_cast<size_t>(i * rows.stride() + columns) * size, 0, bytes);
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

// Packed experts: all gates and ups in one parallel region, then all downs.
void packed_experts(Device& device, const ExpertsArgs& args, const std::vector<std::vector<Choice>>& chosen) {
  const int64_t width = args.in.shape[1];
  const int64_t inner = args.experts[0].gate.out();
  std::vector<int64_t> order;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows) order.push_back(choice.row);
  }
  const auto total = static_cast<int64_t>(order.size());
  const ProductRows in(device, args.in, order);
  const ProductRows hidden(device, total, inner);
  const Tensor downs(device, DataType::f32, {total, width});
  clear_padding(hidden, inner);
  std::vector<PanelProduct> first, second;
  int64_t slot = 0;
  for (size_t e = 0; e < chosen.size(); ++e) {
    const auto count = static_cast<int64_t>(chosen[e].size());
    if (count == 0) continue;
    const ExpertWeights& expert = args.experts[e];
    const size_t size = size_of(hidden.view().type);
    first.push_back({.weight = &expert.up,
                     .gate = &expert.gate,
                     .rows = &in,
                     .first = slot,
                     .count = count,
                     .out = hidden.writable().data + static_cast<size_t>(slot * hidden.stride()) * size,
                     .type = hidden.view().type,
                     .out_stride = hidden.stride()});
    second.push_back({.weight = &expert.down,
                      .rows = &hidden,
                      .first = slot,
                      .count = count,
                      .out = downs.view().data + static_cast<size_t>(slot * width) * sizeof(float),
                      .out_stride = width});
    slot += count;
  }
  panel_products(first);
  panel_products(second);
  // By rows, so that several threads add, and each row's experts always in the same order.
  std::vector<std::vector<Choice>> slots(static_cast<size_t>(args.in.shape[0]));
  slot = 0;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows) slots[static_cast<size_t>(choice.row)].push_back({slot++, choice.score});
  }
  parallel_shares(args.in.shape[0], 16, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      for (const Choice& choice : slots[static_cast<size_t>(row)])
        add_scaled(downs.floats() + choice.row * width, choice.score, args.out.as<float>() + row * width, width);
    }
  });
}

}  // namespace

void experts(Device& device, const ExpertsArgs& args) {
  const std::vector<std::vector<Choice>> chosen = route(device, args);
  const bool few =
      std::all_of(chosen.begin(), chosen.end(), [](const auto& rows) { return rows.size() <= max_row_products; });
  if (args.experts[0].gate.format != WeightFormat::f32 && (few || has_bf16_products())) {
    packed_experts(device, args, chosen);
  } else if (few) {
    few_rows(device, args, chosen);
  } else {
    many_rows(device, args, chosen);
  }
}

}  // namespace lectern::cpu
