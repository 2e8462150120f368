// Products of bf16 with AVX512-BF16, which Highway does not reach: tiles of rows times panels (see panels.h). Included
// by sources whose functions run only where avx512_level() is bf16; everything between LECTERN_BF16_BEGIN and
// LECTERN_AVX512_END is compiled for that instruction set.
#pragma once

#include "device/cpu/matmul/avx512-inl.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {

inline constexpr int tile_rows = 12;  // by 32 outputs keep every sum in a register

// sum + the products of the low and of the high halves of 16 words.
inline __m512 add_products(__m512 sum, __m512i a, __m512i b) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }

// Two neighbouring inputs of a row, for all 16 outputs.
inline __m512i pair_of(const uint16_t* row) { return _mm512_set1_epi32(*reinterpret_cast<const int32_t*>(row)); }

inline __m512 widen(__m256i bits) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)); }
inline __m256i narrow(__m512 values) { return (__m256i)_mm512_cvtneps_pbh(values); }

// out [M][N * 16] (+)= M rows of bf16 times N panels of `pairs` pairs of inputs.
template <int M, int N, bool add>
inline void multiply_tile(const uint16_t* rows, int64_t stride, const __m512i* const* panels, int64_t pairs, float* out,
                          int64_t out_stride) {
  __m512 sum[M][N];
#pragma GCC unroll 12
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) sum[i][j] = add ? _mm512_loadu_ps(out + i * out_stride + j * 16) : _mm512_setzero_ps();
  }
  const __m512i* const left = panels[0];
  const __m512i* const right = panels[N - 1];
  for (int64_t k = 0; k < pairs; ++k) {
    __m512i weight[N];
    weight[0] = _mm512_loadu_si512(left + k);
    if (N == 2) weight[N - 1] = _mm512_loadu_si512(right + k);
#pragma GCC unroll 12
    for (int i = 0; i < M; ++i) {
      const __m512i x = pair_of(rows + i * stride + 2 * k);
      for (int j = 0; j < N; ++j) sum[i][j] = add_products(sum[i][j], x, weight[j]);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) _mm512_storeu_ps(out + i * out_stride + j * 16, sum[i][j]);
  }
}

// The same for up to 12 rows.
template <int N, bool add>
inline void multiply_tile_rows(int64_t rows, const uint16_t* x, int64_t stride, const __m512i* const* panels,
                               int64_t pairs, float* out, int64_t out_stride) {
  switch (rows) {
    case 12: return multiply_tile<12, N, add>(x, stride, panels, pairs, out, out_stride);
    case 11: return multiply_tile<11, N, add>(x, stride, panels, pairs, out, out_stride);
    case 10: return multiply_tile<10, N, add>(x, stride, panels, pairs, out, out_stride);
    case 9: return multiply_tile<9, N, add>(x, stride, panels, pairs, out, out_stride);
    case 8: return multiply_tile<8, N, add>(x, stride, panels, pairs, out, out_stride);
    case 7: return multiply_tile<7, N, add>(x, stride, panels, pairs, out, out_stride);
    case 6: return multiply_tile<6, N, add>(x, stride, panels, pairs, out, out_stride);
    case 5: return multiply_tile<5, N, add>(x, stride, panels, pairs, out, out_stride);
    case 4: return multiply_tile<4, N, add>(x, stride, panels, pairs, out, out_stride);
    case 3: return multiply_tile<3, N, add>(x, stride, panels, pairs, out, out_stride);
    case 2: return multiply_tile<2, N, add>(x, stride, panels, pairs, out, out_stride);
    default: return multiply_tile<1, N, add>(x, stride, panels, pairs, out, out_stride);
  }
}

}  // namespace lectern::cpu::bf16
LECTERN_AVX512_END
