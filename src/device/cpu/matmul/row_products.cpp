// Products of rows with a weight kept as it is in its checkpoint: every weight is read once and widened in registers.
#include <algorithm>

#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/matmul/row_products.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/matmul/finish-inl.h"
#include "device/cpu/vector-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[i][r] = x[i] . w[r] for R weight rows and M inputs; rows of y lie 16 apart.
template <typename Value, int R, int M>
void dot_rows(const Value* w, int64_t in, const float* x, float* y) {
  const FloatTag d;
  const hn::CappedTag<float, 1> one;
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
      hwy::Prefetch(w + (R + r) * in + k);
    }
    for (int i = 0; i < M; ++i) {
      const auto value = hn::LoadU(d, x + i * in + k);
      for (int r = 0; r < R; ++r) sum[r][i] = hn::MulAdd(weight[r], value, sum[r][i]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < M; ++i) {
      auto total = hn::Set(one, hn::GetLane(hn::SumOfLanes(d, sum[r][i])));
      for (int64_t rest = k; rest < in; ++rest)
        total = hn::MulAdd(hn::Set(one, widened(w[r * in + rest])), hn::LoadU(one, x + i * in + rest), total);
      y[i * panel_outputs + r] = hn::GetLane(total);
    }
  }
}

template <typename Value, int R>
void dot_inputs(const Value* w, int64_t in, const float* x, int64_t rows, float* y) {
  switch (rows) {
    case 4: return dot_rows<Value, R, 4>(w, in, x, y);
    case 3: return dot_rows<Value, R, 3>(w, in, x, y);
    case 2: return dot_rows<Value, R, 2>(w, in, x, y);
    default: return dot_rows<Value, R, 1>(w, in, x, y);
  }
}

template <typename Value>
void dot_panel(const Value* w, int64_t in, int64_t outputs, const float* x, int64_t rows, float* y) {
  int64_t n = 0;
  for (; n + 4 <= outputs; n += 4) dot_inputs<Value, 4>(w + n * in, in, x, rows, y + n);
  for (; n < outputs; ++n) dot_inputs<Value, 1>(w + n * in, in, x, rows, y + n);
}

// y [rows][16]: 16 outputs of a weight, or as many as it has left, with up to 4 rows.
void multiply_dots(const Weight& weight, int64_t panel, const float* x, int64_t rows, float* y) {
  const int64_t in = weight.in();
  const int64_t first = panel * panel_outputs;
  const int64_t outputs = std::min(panel_outputs, weight.out() - first);
  switch (weight.data.type) {
    case DataType::bf16:
      return dot_panel(reinterpret_cast<const Bf16*>(weight.data.data) + first * in, in, outputs, x, rows, y);
    case DataType::f16:
      return dot_panel(reinterpret_cast<const F16*>(weight.data.data) + first * in, in, outputs, x, rows, y);
    default: return dot_panel(weight.data.as<float>() + first * in, in, outputs, x, rows, y);
  }
}

void multiply_dots_range(const PanelRange& range) {
  const PanelProduct& product = *range.product;
  const int64_t stride = product.rows->stride();
  const float* const x = product.rows->view().as<float>() + product.first * stride;
  constexpr int64_t at_once = 4;
  HWY_ALIGN float values[at_once * panel_outputs] = {};
  HWY_ALIGN float gates[at_once * panel_outputs] = {};
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += at_once) {
      const int64_t rows = std::min(at_once, range.to - row);
      multiply_dots(*product.weight, panel, x + row * stride, rows, values);
      if (product.gate != nullptr) multiply_dots(*product.gate, panel, x + row * stride, rows, gates);
      for (int64_t i = 0; i < rows; ++i) {
        finish_panel(product, row + i, panel, values + i * panel_outputs,
                     product.gate != nullptr ? gates + i * panel_outputs : nullptr);
      }
    }
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(multiply_dots_range);

void f32::multiply_dots(const PanelRange& range) { HWY_DYNAMIC_DISPATCH(multiply_dots_range)(range); }

}  // namespace lectern::cpu
#endif
