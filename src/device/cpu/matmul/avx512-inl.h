// Shared by the AVX-512 kernels that are not written with Highway: exponentials, activations, and the end of a product.
// Everything between LECTERN_AVX512_BEGIN and LECTERN_AVX512_END is compiled for the instruction sets that are named;
// such functions run only where avx512_level() says that the processor has them.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

#if defined(__clang__)
// A pragma is one string.
// clang-format off
#define LECTERN_AVX512_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,f16c,fma\"))), apply_to = function)")
#define LECTERN_INT8_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c,fma\"))), apply_to = function)")
#define LECTERN_BF16_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,f16c,fma\"))), apply_to = function)")
// clang-format on
#define LECTERN_AVX512_END _Pragma("clang attribute pop")
#else
#define LECTERN_AVX512_BEGIN \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,f16c,fma\")")
#define LECTERN_INT8_BEGIN \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c,fma\")")
#define LECTERN_BF16_BEGIN \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,f16c,fma\")")
#define LECTERN_AVX512_END _Pragma("GCC pop_options")
#endif

LECTERN_AVX512_BEGIN
namespace lectern::cpu::avx512 {

// Weights are read ahead by so many bytes: further than the processor's own prefetchers look, near enough to stay in
// the first cache.
inline constexpr int64_t ahead = 4096;

// e^x to 1e-7; 0 far below zero, infinite far above.
inline __m512 exponential(__m512 x) {
  const __m512 bounded =
      _mm512_max_ps(_mm512_set1_ps(-104.0f), _mm512_min_ps(_mm512_set1_ps(89.0f), x));  // in this order NaN stays
  const __m512 power = _mm512_mul_ps(bounded, _mm512_set1_ps(1.44269504f));
  const __m512 whole = _mm512_roundscale_ps(power, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, so that the rest is exact.
  __m512 rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(0.693359375f), bounded);
  rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(-2.12194440e-4f), rest);
  __m512 sum = _mm512_set1_ps(1.0f / 720);
  for (const float factor : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(factor));
  return _mm512_scalef_ps(sum, whole);
}

inline __m512 sigmoid_times(__m512 x, float slope) {
  const __m512 power = exponential(_mm512_mul_ps(x, _mm512_set1_ps(-slope)));
  return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), power));
}

// The error function to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
inline __m512 error_function(__m512 x) {
  const __m512 magnitude = _mm512_abs_ps(x);
  const __m512 t =
      _mm512_div_ps(_mm512_set1_ps(1.0f), _mm512_fmadd_ps(magnitude, _mm512_set1_ps(0.3275911f), _mm512_set1_ps(1.0f)));
  __m512 sum = _mm512_set1_ps(1.061405429f);
  for (const float factor : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f})
    sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(factor));
  const __m512 power = exponential(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(x, x)));
  const __m512 result = _mm512_fnmadd_ps(_mm512_mul_ps(sum, t), power, _mm512_set1_ps(1.0f));
  const __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0f));
  return _mm512_or_ps(result, sign);
}

inline __m512 activated(Activation activation, __m512 x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::silu: return sigmoid_times(x, 1.0f);
    case Activation::quick_gelu: return sigmoid_times(x, 1.702f);
    case Activation::gelu: {
      const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
      return _mm512_fmadd_ps(half, error_function(_mm512_mul_ps(x, _mm512_set1_ps(0.70710678f))), half);
    }
  }
  return x;
}

// To nearest, ties to even; infinities stay, a NaN stays one.
inline __m256i rounded_to_bf16(__m512 values) {
  const __m512i bits = _mm512_castps_si512(values);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(
      _mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, is_nan, _mm512_set1_epi32(0x7fc00000)), 16));
}

// Writes the sums of one row and the 16 outputs of a panel.
inline void finish(const PanelProduct& product, int64_t row, int64_t panel, __m512 value) {
  const int64_t column = panel * panel_outputs;
  const int64_t outputs = std::min(panel_outputs, product.weight->out() - column);
  const auto mask = static_cast<__mmask16>((1u << outputs) - 1);
  if (product.bias != nullptr) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, product.bias + column));
  value = activated(product.activation, value);
  const int64_t at = row * product.out_stride + column;
  if (product.residual != nullptr) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, product.residual + at));
  if (product.type == DataType::f32) {
    _mm512_mask_storeu_ps(reinterpret_cast<float*>(product.out) + at, mask, value);
  } else {
    _mm256_mask_storeu_epi16(reinterpret_cast<uint16_t*>(product.out) + at, mask, rounded_to_bf16(value));
  }
}

}  // namespace lectern::cpu::avx512
LECTERN_AVX512_END
