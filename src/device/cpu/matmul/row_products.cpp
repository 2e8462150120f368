// Products of few rows with a weight kept as it is in its checkpoint: every weight is read once and widened in
// registers.
#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/matmul/row_products.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/vector-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[i][n + r] = x[i] . w[r] for R weight rows and M inputs.
template <typename Weight, int R, int M>
void dot_rows(const Weight* w, int64_t in, const float* const* x, float* const* y, int64_t n) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<FloatTag> sum[R][M];
  for (auto& row : sum) {
    for (auto& s : row) s = hn::Zero(d);
  }
  int64_t k = 0;
  for (; k + lanes <= in; k += lanes) {
    hn::Vec<FloatTag> weight[R];
    for (int r = 0; r < R; ++r) {
      weight[r] = load_wide(d, w + r * in + k);
      if constexpr (M <= 4) hwy::Prefetch(w + (R + r) * in + k);
    }
    for (int i = 0; i < M; ++i) {
      const auto value = hn::LoadU(d, x[i] + k);
      for (int r = 0; r < R; ++r) sum[r][i] = hn::MulAdd(weight[r], value, sum[r][i]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < M; ++i) {
      float total = hn::GetLane(hn::SumOfLanes(d, sum[r][i]));
      for (int64_t rest = k; rest < in; ++rest) total += widened(w[r * in + rest]) * x[i][rest];
      y[i][n + r] = total;
    }
  }
}

template <typename Weight, int R>
void dot_inputs(const Weight* w, int64_t in, const RowProduct& product, int64_t n) {
  int i = 0;
  for (; i + 4 <= product.count; i += 4) dot_rows<Weight, R, 4>(w, in, product.x + i, product.y + i, n);
  switch (product.count - i) {
    case 3: return dot_rows<Weight, R, 3>(w, in, product.x + i, product.y + i, n);
    case 2: return dot_rows<Weight, R, 2>(w, in, product.x + i, product.y + i, n);
    case 1: return dot_rows<Weight, R, 1>(w, in, product.x + i, product.y + i, n);
    default: return;
  }
}

template <typename Weight>
void dot_range(const RowProduct& product, int64_t first, int64_t last) {
  const int64_t in = product.weight->in();
  const auto* w = reinterpret_cast<const Weight*>(product.weight->data.data);
  int64_t n = first;
  for (; n + 4 <= last; n += 4) dot_inputs<Weight, 4>(w + n * in, in, product, n);
  for (; n < last; ++n) dot_inputs<Weight, 1>(w + n * in, in, product, n);
}

// Weight rows first .. last - 1 of one product.
void row_product_range(const RowProduct& product, int64_t first, int64_t last) {
  switch (product.weight->data.type) {
    case DataType::bf16: return dot_range<Bf16>(product, first, last);
    case DataType::f16: return dot_range<F16>(product, first, last);
    default: return dot_range<float>(product, first, last);
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(row_product_range);

void row_products(std::span<const RowProduct> products) {
  int64_t total = 0;
  for (const RowProduct& product : products) total += product.weight->out();
  // Each thread takes one contiguous share of all rows: the processor's prefetchers follow it.
  parallel_shares(total, 8, [&](int64_t first, int64_t last) {
    int64_t start = 0;
    for (const RowProduct& product : products) {
      const int64_t end = start + product.weight->out();
      const int64_t from = std::max(first, start);
      const int64_t to = std::min(last, end);
      if (from < to && product.count > 0) HWY_DYNAMIC_DISPATCH(row_product_range)(product, from - start, to - start);
      start = end;
    }
  });
}

}  // namespace lectern::cpu
#endif
