// The end of a product with sums of f32. Included once a target.
#if defined(LECTERN_CPU_FINISH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LECTERN_CPU_FINISH_INL_H
#undef LECTERN_CPU_FINISH_INL_H
#else
#define LECTERN_CPU_FINISH_INL_H
#endif

#include <algorithm>

#include "device/cpu/activation-inl.h"
#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Writes the sums [16] of one row and one panel, and of its gate, or null: adds the bias, activates, adds the residual
// and narrows.
inline void finish_panel(const PanelProduct& product, int64_t row, int64_t panel, const float* sums,
                         const float* gates) {
  const FloatTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t column = panel * panel_outputs;
  const int64_t outputs = std::min(panel_outputs, product.weight->out() - column);
  const int64_t at = row * product.out_stride + column;
  // The last panel of a weight may have fewer outputs than vectors have lanes: it is padded here.
  const bool whole = outputs == panel_outputs;
  HWY_ALIGN float values[panel_outputs];
  HWY_ALIGN float padded[2][panel_outputs] = {};
  const auto from = [&](const float* given, float* own) {
    if (given == nullptr || whole) return given;
    std::copy_n(given, outputs, own);
    return static_cast<const float*>(own);
  };
  const float* const bias = from(product.bias == nullptr ? nullptr : product.bias + column, padded[0]);
  const float* const residual = from(product.residual == nullptr ? nullptr : product.residual + at, padded[1]);
  float* const out = whole && product.type == DataType::f32 ? reinterpret_cast<float*>(product.out) + at : values;
  for (int64_t n = 0; n < panel_outputs; n += lanes) {
    auto value = hn::LoadU(d, sums + n);
    if (gates != nullptr) value = hn::Mul(sigmoid_times(d, hn::LoadU(d, gates + n), 1.0f), value);
    if (bias != nullptr) value = hn::Add(value, hn::LoadU(d, bias + n));
    value = activated(d, product.activation, value);
    if (residual != nullptr) value = hn::Add(value, hn::LoadU(d, residual + n));
    hn::StoreU(value, d, out + n);
  }
  if (out != values) return;
  if (product.type == DataType::f32) {
    std::copy_n(values, outputs, reinterpret_cast<float*>(product.out) + at);
  } else {
    for (int64_t n = 0; n < outputs; ++n) reinterpret_cast<uint16_t*>(product.out)[at + n] = f32_to_bf16(values[n]);
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
