// Mixture of experts: rows are grouped by expert, so that each expert's weights are read once for all of them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/panel_products.h"
#include "device/device.h"
#include "device/operators/ranking.h"

namespace lectern::cpu {
namespace {

struct Choice {
  int64_t row;
  float score;
};

// -> for every expert that is here the rows that chose it, in order, with their scores.
std::vector<std::vector<Choice>> route(Device& device, const ExpertsArgs& args) {
  const int64_t count = args.router.out();
  const int64_t rows = args.in.shape[0];
  const Tensor scores(device, DataType::f32, {rows, count});
  device.linear({.in = args.in, .weight = args.router, .out = scores, .written = args.written});
  std::vector<std::vector<Choice>> chosen(static_cast<size_t>(args.experts.count()));
  std::vector<int64_t> order(static_cast<size_t>(count));
  for (int64_t row = 0; row < rows; ++row) {
    float* score = scores.floats() + row * count;
    const float peak = *std::max_element(score, score + count);
    float total = 0;
    for (int64_t e = 0; e < count; ++e) total += score[e] = std::exp(score[e] - peak);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + args.top_k, order.end(),
                      [&](int64_t a, int64_t b) { return ranks_before(score, a, b); });
    if (args.renormalise) {
      total = 0;
      for (int k = 0; k < args.top_k; ++k) total += score[order[static_cast<size_t>(k)]];
    }
    for (int k = 0; k < args.top_k; ++k) {
      const int64_t e = order[static_cast<size_t>(k)];
      if (!args.has(e)) continue;
      chosen[static_cast<size_t>(e - args.first_expert)].push_back({row, score[e] / total * args.scale});
    }
  }
  return chosen;
}

void add_scaled(const float* y, float score, float* out, int64_t width) {
  for (int64_t i = 0; i < width; ++i) out[i] += score * y[i];
}

void add(const float* y, float* out, int64_t width) {
  for (int64_t i = 0; i < width; ++i) out[i] += y[i];
}

// Zero where no result is written: between a row's values and its padded end.
void clear_padding(const ProductRows& rows, int64_t columns) {
  const size_t size = size_of(rows.view().type);
  const auto bytes = static_cast<size_t>(rows.stride() - columns) * size;
  for (int64_t i = 0; i < rows.count() && bytes > 0; ++i)
    std::memset(rows.writable().data + static_cast<size_t>(i * rows.stride() + columns) * size, 0, bytes);
}

// The shared expert, which takes all rows.
class SharedExpert {
 public:
  SharedExpert(Device& device, const ExpertsArgs& args, const ExpertBank& weights)
      : rows_(args.in.shape[0]),
        written_(args.written),
        weights_(weights),
        in_(device, args.in, weights.gate(0).format),
        hidden_(device, rows_, weights.gate(0).out(), weights.gate(0).format),
        down_(device, DataType::f32, args.out.shape) {
    clear_padding(hidden_, weights.gate(0).out());
  }
  PanelProduct first() const {
    return {.weight = &weights_.up(0),
            .gate = &weights_.gate(0),
            .rows = &in_,
            .count = rows_,
            .written = written_,
            .out = hidden_.writable().data,
            .type = hidden_.view().type,
            .out_stride = hidden_.stride()};
  }
  PanelProduct second() const {
    return {.weight = &weights_.down(0),
            .rows = &hidden_,
            .count = rows_,
            .written = written_,
            .out = down_.view().data,
            .out_stride = weights_.down(0).out()};
  }
  const float* row(int64_t index) const { return down_.floats() + index * weights_.down(0).out(); }

 private:
  int64_t rows_, written_;
  const ExpertBank& weights_;
  ProductRows in_, hidden_;
  Tensor down_;
};

// All gates and ups in one parallel region, then all downs. `shared` may be null, and args.experts empty.
void add_experts(Device& device, const ExpertsArgs& args, const SharedExpert* shared) {
  if (args.in.shape[0] == 0) return;
  std::vector<std::vector<Choice>> chosen;
  const bool routed = args.experts.count() > 0;
  if (routed) chosen = route(device, args);
  const int64_t width = args.in.shape[1];
  const int64_t inner = routed ? args.experts.gate(0).out() : 0;
  std::vector<int64_t> order;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows) order.push_back(choice.row);
  }
  const auto total = static_cast<int64_t>(order.size());
  const WeightFormat format = routed ? args.experts.gate(0).format : WeightFormat::f32;
  const ProductRows in(device, args.in, format, order);
  const ProductRows hidden(device, total, inner, format);
  const Tensor downs(device, DataType::f32, {total, width});
  clear_padding(hidden, inner);
  std::vector<PanelProduct> first, second;
  int64_t slot = 0;
  for (size_t e = 0; e < chosen.size(); ++e) {
    const auto count = static_cast<int64_t>(chosen[e].size());
    if (count == 0) continue;
    const int64_t written = std::ranges::count_if(chosen[e], [&](const Choice& c) { return c.row < args.written; });
    const auto expert = static_cast<int64_t>(e);
    const size_t size = size_of(hidden.view().type);
    first.push_back({.weight = &args.experts.up(expert),
                     .gate = &args.experts.gate(expert),
                     .rows = &in,
                     .first = slot,
                     .count = count,
                     .written = written,
                     .out = hidden.writable().data + static_cast<size_t>(slot * hidden.stride()) * size,
                     .type = hidden.view().type,
                     .out_stride = hidden.stride()});
    second.push_back({.weight = &args.experts.down(expert),
                      .rows = &hidden,
                      .first = slot,
                      .count = count,
                      .written = written,
                      .out = downs.view().data + static_cast<size_t>(slot * width) * sizeof(float),
                      .out_stride = width});
    slot += count;
  }
  if (shared != nullptr) {
    first.push_back(shared->first());
    second.push_back(shared->second());
  }
  panel_products(first);
  panel_products(second);
  // By rows, so that several threads add, and each row's experts always in the same order.
  std::vector<std::vector<Choice>> slots(static_cast<size_t>(args.in.shape[0]));
  slot = 0;
  for (const auto& rows : chosen) {
    for (const Choice& choice : rows) slots[static_cast<size_t>(choice.row)].push_back({slot++, choice.score});
  }
  parallel_shares(args.in.shape[0], 4, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      float* const out = args.out.as<float>() + row * width;
      for (const Choice& choice : slots[static_cast<size_t>(row)])
        add_scaled(downs.floats() + choice.row * width, choice.score, out, width);
      if (shared != nullptr) add(shared->row(row), out, width);
    }
  });
}

}  // namespace

void experts(Device& device, const ExpertsArgs& args) { add_experts(device, args, nullptr); }

// The shared expert's products are in the regions of the others.
void mixture_of_experts(Device& device, const MixtureOfExpertsArgs& args) {
  const Tensor normed(device, DataType::f32, args.x.shape);
  rms_norm(device, {.in = args.x, .weight = args.norm, .epsilon = args.epsilon, .out = normed});
  const ExpertsArgs routed = args.of_experts(normed);
  if (args.rest) std::memset(args.rest.data, 0, args.rest.bytes());
  std::optional<SharedExpert> shared;
  if (args.shared.count() > 0) shared.emplace(device, routed, args.shared);
  add_experts(device, routed, shared ? &*shared : nullptr);
}

}  // namespace lectern::cpu
