// Products with packed weights by AVX512-BF16.
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/panel_range.h"

#if HWY_ARCH_X86_64
#include <algorithm>
#include <vector>

#include "device/cpu/bf16-inl.h"
#include "device/cpu/panels.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {
namespace {

// Weights are read ahead by so many bytes: further than the processor's own prefetchers look, near enough to stay in
// the first cache.
constexpr int64_t ahead = 4096;

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
    _mm256_mask_storeu_epi16(reinterpret_cast<uint16_t*>(product.out) + at, mask, narrow(value));
  }
}

// The sums of M rows with one panel, in registers; `panel` is of bf16.
template <int M>
inline void sum_bf16(const uint16_t* x, int64_t stride, const std::byte* panel, int64_t groups, __m512* sum) {
  const auto* weight = reinterpret_cast<const __m512i*>(panel);
  for (int i = 0; i < M; ++i) sum[i] = _mm512_setzero_ps();
  for (int64_t k = 0; k < groups * group_inputs / 2; ++k) {
    const __m512i words = _mm512_loadu_si512(weight + k);
    _mm_prefetch(reinterpret_cast<const char*>(weight + k) + ahead, _MM_HINT_T0);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) sum[i] = add_products(sum[i], pair_of(x + i * stride + 2 * k), words);
  }
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

// One group of 64 inputs of a quantized panel: adds scale * (products) of both blocks to the sums of M rows.
// A vector of words yields four of bf16: of q4 the numbers of four pairs, of q8 the low and high halves of two.
template <int M, bool eight>
inline void add_group(const uint16_t* x, int64_t stride, const std::byte* group, const Tables& tables, __m512* sum) {
  const auto* scales = reinterpret_cast<const __m256i*>(group);
  const auto* words = reinterpret_cast<const __m512i*>(group + scale_bytes);
  constexpr int vectors = eight ? 8 : 4;  // of a block
#pragma GCC unroll 2
  for (int block = 0; block < 2; ++block) {
    __m512 part[M];
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) part[i] = _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const __m512i word = _mm512_loadu_si512(words + block * vectors + v);
      _mm_prefetch(reinterpret_cast<const char*>(words + block * vectors + v) + ahead, _MM_HINT_T0);
      const uint16_t* const at = x + block * block_inputs + v * (eight ? 4 : 8);
      const __m512i first = _mm512_permutexvar_epi16(word, eight ? tables.q8_low : tables.q4);
      const __m512i second = _mm512_permutexvar_epi16(_mm512_srli_epi16(word, 4), eight ? tables.q8_high : tables.q4);
      const __m512i third = _mm512_permutexvar_epi16(_mm512_srli_epi16(word, 8), eight ? tables.q8_low : tables.q4);
      const __m512i fourth = _mm512_permutexvar_epi16(_mm512_srli_epi16(word, 12), eight ? tables.q8_high : tables.q4);
#pragma GCC unroll 8
      for (int i = 0; i < M; ++i) {
        const uint16_t* const row = at + i * stride;
        part[i] = add_products(part[i], pair_of(row), first);
        part[i] = add_products(part[i], pair_of(row + (eight ? 0 : 2)), second);
        part[i] = add_products(part[i], pair_of(row + (eight ? 2 : 4)), third);
        part[i] = add_products(part[i], pair_of(row + (eight ? 2 : 6)), fourth);
      }
    }
    const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(scales + block));
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) sum[i] = _mm512_fmadd_ps(part[i], scale, sum[i]);
  }
}

template <int M>
inline void sum_quantized(const uint16_t* x, int64_t stride, const std::byte* panel, int64_t groups,
                          WeightFormat format, const Tables& tables, __m512* sum) {
  for (int i = 0; i < M; ++i) sum[i] = _mm512_setzero_ps();
  const int64_t step = group_bytes(format);
  for (int64_t g = 0; g < groups; ++g, panel += step, x += group_inputs) {
    if (format == WeightFormat::q8) {
      add_group<M, true>(x, stride, panel, tables, sum);
    } else {
      add_group<M, false>(x, stride, panel, tables, sum);
    }
  }
}

template <int M>
inline void sum_panel(const uint16_t* x, int64_t stride, const Matrix& matrix, int64_t panel, const Tables& tables,
                      __m512* sum) {
  const int64_t groups = padded_inputs(matrix.in()) / group_inputs;
  const std::byte* const data = matrix.data.data + panel * panel_bytes(matrix.format, matrix.in());
  if (matrix.format == WeightFormat::bf16) {
    sum_bf16<M>(x, stride, data, groups, sum);
  } else {
    sum_quantized<M>(x, stride, data, groups, matrix.format, tables, sum);
  }
}

// One panel, or a gate's and its partner's, with M rows.
template <int M>
void multiply_panel(const PanelProduct& product, int64_t panel, int64_t row, const Tables& tables) {
  const Matrix& weight = *product.weight;
  const int64_t stride = product.rows->stride();
  const uint16_t* const x = product.rows->view().as<uint16_t>() + (product.first + row) * stride;
  __m512 sum[M];
  sum_panel<M>(x, stride, weight, panel, tables, sum);
  if (product.gate != nullptr) {
    __m512 gate[M];
    sum_panel<M>(x, stride, *product.gate, panel, tables, gate);
    for (int i = 0; i < M; ++i) sum[i] = _mm512_mul_ps(sum[i], sigmoid_times(gate[i], 1.0f));
  }
  for (int i = 0; i < M; ++i) finish(product, row + i, panel, sum[i]);
}

// Few rows: a panel is read from memory once, for up to eight rows at a time.
void multiply_few(const PanelRange& range) {
  static const Tables tables;
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += 8) {
      switch (std::min<int64_t>(8, range.to - row)) {
        case 8: multiply_panel<8>(*range.product, panel, row, tables); break;
        case 7: multiply_panel<7>(*range.product, panel, row, tables); break;
        case 6: multiply_panel<6>(*range.product, panel, row, tables); break;
        case 5: multiply_panel<5>(*range.product, panel, row, tables); break;
        case 4: multiply_panel<4>(*range.product, panel, row, tables); break;
        case 3: multiply_panel<3>(*range.product, panel, row, tables); break;
        case 2: multiply_panel<2>(*range.product, panel, row, tables); break;
        default: multiply_panel<1>(*range.product, panel, row, tables); break;
      }
    }
  }
}

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

// Many rows: tiles of 12 rows by two panels, of which the rows of a block stay in the second cache.
void multiply_many(const PanelRange& range) {
  static thread_local std::vector<Vector> widened;
  const PanelProduct& product = *range.product;
  const Matrix& weight = *product.weight;
  const int64_t groups = padded_inputs(weight.in()) / group_inputs;
  const int64_t pairs = groups * group_inputs / 2;
  const int64_t stride = product.rows->stride();
  const uint16_t* const x = product.rows->view().as<uint16_t>() + product.first * stride;
  const bool quantized = is_quantized(weight.format);
  if (quantized) widened.resize(static_cast<size_t>(2 * pairs));
  const auto panel_of = [&](const Matrix& matrix, int64_t panel, int slot) {
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
        multiply_rows<2, false>(rows, x + row * stride, stride, panels, pairs, tile, 32);
      } else {
        multiply_rows<1, false>(rows, x + row * stride, stride, panels, pairs, tile, 32);
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

}  // namespace

void multiply_range(const PanelRange& range) {
  if (range.product->count <= few_rows) {
    multiply_few(range);
  } else {
    multiply_many(range);
  }
}

}  // namespace lectern::cpu::bf16
LECTERN_BF16_END

#else
namespace lectern::cpu::bf16 {
void multiply_range(const PanelRange&) {}
}  // namespace lectern::cpu::bf16
#endif
