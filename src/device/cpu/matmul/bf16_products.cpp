// Products with packed weights by AVX512-BF16.
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/matmul/panel_range.h"

#if HWY_ARCH_X86_64
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "device/cpu/kernels.h"
#include "device/cpu/matmul/bf16-inl.h"
#include "device/cpu/matmul/panels.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {
namespace {

using avx512::ahead;
using avx512::finish;
using avx512::sigmoid_times;

// The sums of M rows with one panel of bf16, in registers.
template <int M>
inline void sum_panel(const uint16_t* x, int64_t stride, const Weight& matrix, int64_t panel, __m512* sum) {
  const auto* weight =
      reinterpret_cast<const __m512i*>(matrix.data.data + panel * panel_bytes(matrix.format, matrix.in()));
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) sum[i] = _mm512_setzero_ps();
  for (int64_t k = 0; k < padded_inputs(matrix.in()) / 2; ++k) {
    const __m512i words = _mm512_loadu_si512(weight + k);
    _mm_prefetch(reinterpret_cast<const char*>(weight + k) + ahead, _MM_HINT_T0);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) sum[i] = add_products(sum[i], pair_of(x + i * stride + 2 * k), words);
  }
}

// One panel, or a gate's and its partner's, with M rows.
template <int M>
void multiply_panel(const PanelProduct& product, int64_t panel, int64_t row) {
  const int64_t stride = product.rows->stride();
  const uint16_t* const x = product.rows->view().as<uint16_t>() + (product.first + row) * stride;
  __m512 sum[M];
  sum_panel<M>(x, stride, *product.weight, panel, sum);
  if (product.gate != nullptr) {
    __m512 gate[M];
    sum_panel<M>(x, stride, *product.gate, panel, gate);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) sum[i] = _mm512_mul_ps(sum[i], sigmoid_times(gate[i], 1.0f));
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) finish(product, row + i, panel, sum[i]);
}

constexpr int64_t max_rows = 16;  // whose sums fit the registers

template <size_t... index>
constexpr auto functions_for_rows(std::index_sequence<index...> /*rows*/) {
  return std::array<void (*)(const PanelProduct&, int64_t, int64_t), sizeof...(index)>{
      multiply_panel<static_cast<int>(index) + 1>...};
}

// Tables of bf16 numbers by the low five bits of an index, of which the fifth does not count.
struct Tables {
  Tables() {
    alignas(64) uint16_t signed_numbers[32];
    alignas(64) uint16_t low[32];
    alignas(64) uint16_t high[32];
    for (int i = 0; i < 32; ++i) {
      const int number = i % 16;
      signed_numbers[i] = bits_of(number - 8);
      low[i] = bits_of(number);
      high[i] = bits_of(16 * (number < 8 ? number : number - 16));
    }
    q4 = _mm512_load_si512(signed_numbers);
    q8_low = _mm512_load_si512(low);
    q8_high = _mm512_load_si512(high);
  }
  static uint16_t bits_of(int number) { return f32_to_bf16(static_cast<float>(number)); }
  __m512i q4, q8_low, q8_high;
};

struct alignas(64) Vector {
  uint16_t bits[32];
};

// word with every half shifted right.
inline __m512i shifted(__m512i word, int bits) { return _mm512_srl_epi16(word, _mm_cvtsi32_si128(bits)); }

// The low and the high bf16 of 16 words.
inline __m512 low_of(__m512i words) { return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16)); }
inline __m512 high_of(__m512i words) { return _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(-65536))); }
inline __m512i words_of(__m512 low, __m512 high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(narrow(low)),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow(high)), 16));
}

// A quantized panel as bf16, scale times number rounded.
void widen_panel(const std::byte* panel, int64_t groups, WeightFormat format, Vector* to) {
  auto* out = reinterpret_cast<__m512i*>(to);
  static const Tables tables;
  const bool eight = format == WeightFormat::q8;
  const int vectors = eight ? 8 : 4;
  for (int64_t g = 0; g < groups; ++g, panel += group_bytes(format)) {
    const auto* scales = reinterpret_cast<const __m256i*>(panel);
    const auto* words = reinterpret_cast<const __m512i*>(panel + scale_bytes);
    for (int v = 0; v < 2 * vectors; ++v) {
      const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(scales + v / vectors));
      const __m512i word = _mm512_loadu_si512(words + v);
      for (int part = 0; part < (eight ? 2 : 4); ++part) {
        __m512 low;
        __m512 high;
        if (eight) {
          const __m512i low_half = _mm512_permutexvar_epi16(shifted(word, 8 * part), tables.q8_low);
          const __m512i high_half = _mm512_permutexvar_epi16(shifted(word, 8 * part + 4), tables.q8_high);
          low = _mm512_add_ps(low_of(low_half), low_of(high_half));
          high = _mm512_add_ps(high_of(low_half), high_of(high_half));
        } else {
          const __m512i numbers = _mm512_permutexvar_epi16(shifted(word, 4 * part), tables.q4);
          low = low_of(numbers);
          high = high_of(numbers);
        }
        _mm512_storeu_si512(out++, words_of(_mm512_mul_ps(low, scale), _mm512_mul_ps(high, scale)));
      }
    }
  }
}

}  // namespace

// A panel is read from memory once.
void multiply_rows(const PanelRange& range) {
  static constexpr auto functions = functions_for_rows(std::make_index_sequence<max_rows>());
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += max_rows)
      functions[static_cast<size_t>(std::min(max_rows, range.to - row) - 1)](*range.product, panel, row);
  }
}

// Tiles of 12 rows by two panels, of which the rows of a block stay in the second cache.
void multiply_tiles(const PanelRange& range) {
  static thread_local std::vector<Vector> widened;
  const PanelProduct& product = *range.product;
  const Weight& weight = *product.weight;
  const int64_t groups = padded_inputs(weight.in()) / group_inputs;
  const int64_t pairs = groups * group_inputs / 2;
  const int64_t stride = product.rows->stride();
  const uint16_t* const x = product.rows->view().as<uint16_t>() + product.first * stride;
  const bool quantized = is_quantized(weight.format);
  if (quantized) widened.resize(static_cast<size_t>(2 * pairs));
  const auto panel_of = [&](const Weight& matrix, int64_t panel, int slot) {
    const std::byte* const data = matrix.data.data + panel * panel_bytes(matrix.format, matrix.in());
    if (!quantized) return reinterpret_cast<const __m512i*>(data);
    Vector* const out = widened.data() + slot * pairs;
    widen_panel(data, groups, matrix.format, out);
    return reinterpret_cast<const __m512i*>(out);
  };
  alignas(64) float tile[tile_rows * 32];
  const int64_t step = product.gate != nullptr ? 1 : 2;
  for (int64_t panel = range.first; panel < range.last; panel += step) {
    const bool two = product.gate != nullptr || panel + 1 < range.last;
    const __m512i* panels[2];
    panels[0] = panel_of(weight, panel, 0);
    panels[1] = product.gate != nullptr ? panel_of(*product.gate, panel, 1)
                : two                   ? panel_of(weight, panel + 1, 1)
                                        : panels[0];
    for (int64_t row = range.from; row < range.to; row += tile_rows) {
      const int64_t rows = std::min<int64_t>(tile_rows, range.to - row);
      if (two) {
        multiply_tile_rows<2, false>(rows, x + row * stride, stride, panels, pairs, tile, 32);
      } else {
        multiply_tile_rows<1, false>(rows, x + row * stride, stride, panels, pairs, tile, 32);
      }
      for (int64_t i = 0; i < rows; ++i) {
        const __m512 left = _mm512_load_ps(tile + i * 32);
        const __m512 right = _mm512_load_ps(tile + i * 32 + 16);
        if (product.gate != nullptr) {
          finish(product, row + i, panel, _mm512_mul_ps(left, sigmoid_times(right, 1.0f)));
        } else {
          finish(product, row + i, panel, left);
          if (two) finish(product, row + i, panel + 1, right);
        }
      }
    }
  }
}

}  // namespace lectern::cpu::bf16
LECTERN_AVX512_END

#else
namespace lectern::cpu::bf16 {
void multiply_rows(const PanelRange&) {}
void multiply_tiles(const PanelRange&) {}
}  // namespace lectern::cpu::bf16
#endif
