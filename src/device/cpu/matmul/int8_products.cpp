// Products of quantized weights with written rows by AVX512-VNNI: both sides are numbers of eight bits (four are
// widened), and 32 products are summed exactly before they are scaled.
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/matmul/panel_range.h"

#if HWY_ARCH_X86_64
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "device/cpu/matmul/avx512-inl.h"

LECTERN_INT8_BEGIN
namespace lectern::cpu {
namespace {

using avx512::ahead;
using avx512::finish;
using avx512::sigmoid_times;

inline __m512 load_16(const float* at) { return _mm512_loadu_ps(at); }
inline __m512 load_16(const uint16_t* at) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

// The order of four bytes of q8 words, and of eight of q4 words, whose low halves come first.
alignas(32) constexpr uint8_t q8_order[32] = {0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15,
                                              0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15};
alignas(32) constexpr uint8_t q4_order[32] = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15,
                                              0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};

template <typename Value>
void round_values(const Value* values, int64_t count, WeightFormat format, Int8Block* blocks) {
  const bool eight = format == WeightFormat::q8;
  const __m256i order = _mm256_load_si256(reinterpret_cast<const __m256i*>(eight ? q8_order : q4_order));
  const int32_t added = eight ? 128 : 8;
  for (int64_t i = 0; i < count; ++i, values += block_inputs) {
    const __m512 low = load_16(values);
    const __m512 high = load_16(values + 16);
    // As integers magnitudes are ordered as they are, with those that are not a number above all: they reach the scale.
    const __m512i bits =
        _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(low)), _mm512_castps_si512(_mm512_abs_ps(high)));
    const auto largest = std::bit_cast<float>(_mm512_reduce_max_epi32(bits));
    Int8Block& block = blocks[i];
    if (!(largest >= 1e-30f && largest <= std::numeric_limits<float>::max())) {
      // Zeros times what is not a number are not numbers.
      block = {.numbers = {}, .scale = largest < 1e-30f ? 0.0f : largest, .correction = 0};
      continue;
    }
    const __m512 inverse = _mm512_set1_ps(127.0f / largest);
    const __m512i first = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    const __m512i second = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    block.scale = largest / 127.0f;
    block.correction = -added * _mm512_reduce_add_epi32(_mm512_add_epi32(first, second));
    const __m256i numbers = _mm256_set_m128i(_mm512_cvtsepi32_epi8(second), _mm512_cvtsepi32_epi8(first));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.numbers), _mm256_shuffle_epi8(numbers, order));
  }
}

// The numbers of a block of 16 outputs, made positive: four inputs of each in every vector.
template <bool eight>
inline void load_block(const __m512i* words, __m512i* numbers) {
  if constexpr (eight) {
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) {
      _mm_prefetch(reinterpret_cast<const char*>(words + v) + ahead, _MM_HINT_T0);
      numbers[v] = _mm512_xor_si512(_mm512_loadu_si512(words + v), _mm512_set1_epi8(-128));
    }
  } else {
    const __m512i half = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      _mm_prefetch(reinterpret_cast<const char*>(words + v) + ahead, _MM_HINT_T0);
      const __m512i word = _mm512_loadu_si512(words + v);
      numbers[2 * v] = _mm512_and_si512(word, half);
      numbers[2 * v + 1] = _mm512_and_si512(_mm512_srli_epi16(word, 4), half);
    }
  }
}

// The sums of M rows with one panel, in registers.
template <int M, bool eight>
inline void sum_panel(const Int8Block* rows, int64_t stride, const std::byte* panel, __m512* sum) {
  constexpr int64_t step = group_bytes(eight ? WeightFormat::q8 : WeightFormat::q4);
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) sum[i] = _mm512_setzero_ps();
  for (int64_t block = 0; block < stride; ++block) {
    const std::byte* const group = panel + block / 2 * step;
    const int64_t half = block % 2;
    const auto* words = reinterpret_cast<const __m512i*>(group + scale_bytes) + half * (eight ? 8 : 4);
    const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(group) + half));
    __m512i numbers[8];
    load_block<eight>(words, numbers);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Int8Block& x = rows[i * stride + block];
      const auto* fours = reinterpret_cast<const int32_t*>(x.numbers);
      // Two chains, since each product waits for the one before.
      __m512i even = _mm512_set1_epi32(x.correction);
      __m512i odd = _mm512_setzero_si512();
#pragma GCC unroll 4
      for (int v = 0; v < 8; v += 2) {
        even = _mm512_dpbusd_epi32(even, numbers[v], _mm512_set1_epi32(fours[v]));
        odd = _mm512_dpbusd_epi32(odd, numbers[v + 1], _mm512_set1_epi32(fours[v + 1]));
      }
      const __m512 products = _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd));
      sum[i] = _mm512_fmadd_ps(_mm512_mul_ps(products, _mm512_set1_ps(x.scale)), scale, sum[i]);
    }
  }
}

template <int M>
inline void sum_panel(const Int8Block* rows, const Weight& weight, int64_t panel, __m512* sum) {
  const int64_t stride = int8_blocks(weight.in());
  const std::byte* const data = weight.data.data + panel * panel_bytes(weight.format, weight.in());
  if (weight.format == WeightFormat::q8) {
    sum_panel<M, true>(rows, stride, data, sum);
  } else {
    sum_panel<M, false>(rows, stride, data, sum);
  }
}

// One panel, or a gate's and its partner's, with rows `row` .. row + M - 1 of the product.
template <int M>
void multiply_panel(const PanelRange& range, int64_t panel, int64_t row) {
  const PanelProduct& product = *range.product;
  const Int8Block* const rows = range.bytes + row * int8_blocks(product.weight->in());
  __m512 sum[M];
  sum_panel<M>(rows, *product.weight, panel, sum);
  if (product.gate != nullptr) {
    __m512 gate[M];
    sum_panel<M>(rows, *product.gate, panel, gate);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) sum[i] = _mm512_mul_ps(sum[i], sigmoid_times(gate[i], 1.0f));
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) finish(product, row + i, panel, sum[i]);
}

constexpr int64_t max_rows = 16;  // whose sums fit the registers beside a block of weights

template <size_t... index>
constexpr auto functions_for_rows(std::index_sequence<index...> /*rows*/) {
  return std::array<void (*)(const PanelRange&, int64_t, int64_t), sizeof...(index)>{
      multiply_panel<static_cast<int>(index) + 1>...};
}

}  // namespace

void round_row(const ProductRows& rows, int64_t index, WeightFormat format, Int8Block* blocks) {
  const int64_t count = rows.stride() / block_inputs;
  if (rows.view().type == DataType::bf16) {
    round_values(rows.view().as<uint16_t>() + index * rows.stride(), count, format, blocks);
  } else {
    round_values(rows.view().as<float>() + index * rows.stride(), count, format, blocks);
  }
}

void int8::multiply(const PanelRange& range) {
  static constexpr auto functions = functions_for_rows(std::make_index_sequence<max_rows>());
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += max_rows)
      functions[static_cast<size_t>(std::min(max_rows, range.to - row) - 1)](range, panel, row);
  }
}

}  // namespace lectern::cpu
LECTERN_AVX512_END

#else
namespace lectern::cpu {
void round_row(const ProductRows&, int64_t, WeightFormat, Int8Block*) {}
void int8::multiply(const PanelRange&) {}
}  // namespace lectern::cpu
#endif
