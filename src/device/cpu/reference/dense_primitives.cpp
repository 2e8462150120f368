// Operators on whole rows: products in groups, choices, and rows looked up and put down by index.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/device.h"
#include "device/operators/ranking.h"

namespace lectern::cpu {
namespace {

size_t row_bytes(const TensorView& rows) {
  return static_cast<size_t>(rows.shape.elements() / rows.shape[0]) * size_of(rows.type);
}

}  // namespace

void gemm(Device& device, const GemmArgs& args) {
  if (args.in.type == DataType::f32) return linear(device, {.in = args.in, .weight = args.weight, .out = args.out});
  const Tensor wide(device, DataType::f32, args.in.shape);
  copy(device, {args.in, wide});
  linear(device, {.in = wide, .weight = args.weight, .out = args.out});
}

void activate(Device&, const ActivateArgs& args) {
  activate(args.activation, args.x.as<float>(), args.x.shape.elements());
}

void softmax(Device&, const LineArgs& args) {
  const int64_t width = args.in.shape[-1];
  parallel_shares(args.in.shape.rows(), std::max<int64_t>(1, 4096 / std::max<int64_t>(1, width)),
                  [&](int64_t first, int64_t last) {
                    for (int64_t row = first; row < last; ++row) {
                      const float* in = args.in.as<float>() + row * width;
                      float* out = args.out.as<float>() + row * width;
                      const float most = *std::max_element(in, in + width);
                      float total = 0;
                      for (int64_t i = 0; i < width; ++i) total += out[i] = std::exp(in[i] - most);
                      for (int64_t i = 0; i < width; ++i) out[i] /= total;
                    }
                  });
}

void cumulative_sum(Device&, const LineArgs& args) {
  const int64_t width = args.in.shape[-1];
  for (int64_t row = 0; row < args.in.shape.rows(); ++row) {
    const float* in = args.in.as<float>() + row * width;
    std::partial_sum(in, in + width, args.out.as<float>() + row * width);
  }
}

void grouped_linear(Device& device, const GroupedLinearArgs& args) {
  const auto* groups = args.groups.as<int32_t>();
  const int64_t rows = args.in.shape[0];
  for (int64_t first = 0; first < rows;) {
    int64_t last = first;
    while (last < rows && groups[last] == groups[first]) ++last;
    const MutableTensorView out = args.out.slice(first, last - first);
    if (args.has(groups[first])) {
      linear(device, {.in = args.in.slice(first, last - first),
                      .weight = args.weight(groups[first]),
                      .activation = args.activation,
                      .out = out});
    } else {
      std::memset(out.data, 0, out.bytes());
    }
    first = last;
  }
}

void top_k(Device&, const TopKArgs& args) {
  const int64_t width = args.in.shape[1];
  const int64_t count = args.values.shape[1];
  std::vector<int32_t> order(static_cast<size_t>(width));
  for (int64_t row = 0; row < args.in.shape[0]; ++row) {
    const float* in = args.in.as<float>() + row * width;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + count, order.end(),
                      [&](int32_t a, int32_t b) { return ranks_before(in, a, b); });
    for (int64_t k = 0; k < count; ++k) {
      args.indices.as<int32_t>()[row * count + k] = order[static_cast<size_t>(k)];
      args.values.as<float>()[row * count + k] = in[order[static_cast<size_t>(k)]];
    }
  }
}

void sort(Device&, const SortArgs& args) {
  const auto* keys = args.keys.as<int32_t>();
  const std::span<int32_t> order(args.order.as<int32_t>(), static_cast<size_t>(args.order.shape.elements()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int32_t i) { return keys[i]; });
}

void gather_rows(Device&, const RowsArgs& args) {
  const auto* indices = args.indices.as<int32_t>();
  for (int64_t i = 0; i < args.indices.shape.elements(); ++i)
    std::memcpy(args.out.slice(i, 1).data, args.in.slice(indices[i], 1).data, row_bytes(args.in));
}

void scatter_rows(Device&, const RowsArgs& args) {
  const auto* indices = args.indices.as<int32_t>();
  for (int64_t i = 0; i < args.indices.shape.elements(); ++i)
    std::memcpy(args.out.slice(indices[i], 1).data, args.in.slice(i, 1).data, row_bytes(args.in));
}

void scatter_add(Device&, const RowsArgs& args) {
  const auto* indices = args.indices.as<int32_t>();
  const int64_t width = args.in.shape[1];
  for (int64_t i = 0; i < args.indices.shape.elements(); ++i) {
    const float* in = args.in.as<float>() + i * width;
    float* out = args.out.as<float>() + indices[i] * width;
    for (int64_t k = 0; k < width; ++k) out[k] += in[k];
  }
}

void masked_scatter(Device&, const MaskedScatterArgs& args) {
  const float* mask = args.mask.as<float>();
  int64_t next = 0;
  for (int64_t i = 0; i < args.out.shape[0]; ++i) {
    if (mask[i] != 0) std::memcpy(args.out.slice(i, 1).data, args.in.slice(next++, 1).data, row_bytes(args.in));
  }
}

}  // namespace lectern::cpu
