// Attention on bf16 with AVX512-BF16: queries of one head against pages of keys and values. As in attention-inl.h no
// row of scores is ever held in full: the softmax goes on from one stretch of 256 keys to the next. Included by sources
// whose functions run only where avx512_level() is bf16.
//
// Keys and values of one head lie in pages of 64 places, in the layout of panels.h:
//   keys    [4 panels of 16 places][pairs of the head's dimensions][16 words]
//   values  [panels of 16 dimensions][32 pairs of places][16 words]
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "device/cpu/attention/bf16_attention.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/bf16-inl.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {

inline constexpr int64_t places_of_page = page_tokens;
inline constexpr int64_t panel_places = 16;
inline constexpr int64_t stretch = 4 * places_of_page;  // keys between two corrections of the softmax
inline constexpr int64_t query_block = attention_rows;
inline constexpr float log2_e = 1.44269504f;

// Sizes that follow from the size of a head.
struct HeadLayout {
  explicit HeadLayout(int64_t head_size)
      : size(head_size), pairs((head_size + 1) / 2), panels((head_size + panel_places - 1) / panel_places) {}
  int64_t key_words() const { return places_of_page * pairs; }  // of a page
  int64_t value_words() const { return panels * panel_places * places_of_page / 2; }
  int64_t page_words() const { return key_words() + value_words(); }
  int64_t width() const { return panels * panel_places; }  // of a row of results

  int64_t size, pairs, panels;
};

// 2^x for x <= 0 or not a number.
inline __m512 power_of_two(__m512 x) {
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-150.0f), x);  // in this order NaN stays
  const __m512 whole = _mm512_roundscale_ps(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_sub_ps(bounded, whole);
  // The Taylor series of e^(x ln 2): 2e-7 at half a unit.
  __m512 sum = _mm512_set1_ps(1.540353e-4f);
  for (const float factor : {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f})
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(factor));
  return _mm512_scalef_ps(sum, whole);
}

// The first `count` of 16 lanes.
inline __mmask16 mask_of(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

// Up to query_block queries of one head against the keys of some pages.
struct Queries {
  const HeadLayout& head;
  const uint16_t* rows = nullptr;  // bf16 [count, stride], zero beyond the head's size up to whole pairs
  int64_t stride = 0;
  int64_t count = 0;
  float scale = 1;
  const uint32_t* const* pages = nullptr;  // keys, then at value_offset words the values
  int64_t value_offset = 0;
  int64_t keys = 0;
  // Row i sees the first min(keys, max(min_visible, first_visible + i)) keys, less those from hidden_from on and
  // before hidden_to + i. Pages that no row sees are not read.
  int64_t first_visible = std::numeric_limits<int64_t>::max() / 2;
  int64_t min_visible = 0;
  int64_t hidden_from = 0;
  int64_t hidden_to = std::numeric_limits<int64_t>::min() / 2;
  // Added to the scaled score of row i and key j, in units of log2 e: height[i][j / grid] + width[i][j % grid].
  const float* const* height = nullptr;
  const float* const* width = nullptr;
  int64_t grid = 1;
};

struct Scratch {
  alignas(64) float scores[query_block * stretch];
  alignas(64) uint16_t weights[query_block * stretch];
  float largest[query_block];
  float total[query_block];
};

// row of scores [from, to) += bias of the keys first + from ..
inline void add_bias(const Queries& q, int64_t row, int64_t first, int64_t count, float* scores) {
  int64_t line = first / q.grid;
  int64_t column = first % q.grid;
  for (int64_t at = 0; at < count; ++line, column = 0) {
    const int64_t run = std::min(q.grid - column, count - at);
    const __m512 of_line = _mm512_set1_ps(q.height[row][line]);
    for (int64_t j = 0; j < run; j += 16) {
      const __mmask16 mask = mask_of(run - j);
      const __m512 bias = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, q.width[row] + column + j), of_line);
      _mm512_mask_storeu_ps(scores + at + j, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, scores + at + j), bias));
    }
    at += run;
  }
}

// One row of scores becomes weights in bf16; result is scaled so that older weights agree.
inline void soften(const Queries& q, int64_t row, int64_t first, int64_t count, int64_t padded, Scratch& scratch,
                   float* result) {
  float* const scores = scratch.scores + row * stretch;
  uint16_t* const weights = scratch.weights + row * stretch;
  const int64_t visible = std::clamp<int64_t>(std::max(q.min_visible, q.first_visible + row) - first, 0, count);
  // Of the visible ones, those from hide_from on and before hide_to are hidden.
  const int64_t hide_from = std::clamp<int64_t>(q.hidden_from - first, 0, visible);
  const int64_t hide_to = std::clamp<int64_t>(q.hidden_to + row - first, hide_from, visible);
  const auto mask_at = [&](int64_t j) {
    return static_cast<__mmask16>(mask_of(visible - j) & ~(mask_of(hide_to - j) & ~mask_of(hide_from - j)));
  };
  if (hide_to - hide_from == visible) {
    std::fill_n(weights, padded, uint16_t{0});
    return;
  }
  const __m512 scale = _mm512_set1_ps(q.scale * log2_e);
  for (int64_t j = 0; j < visible; j += 16)
    _mm512_storeu_ps(scores + j, _mm512_mul_ps(_mm512_loadu_ps(scores + j), scale));
  if (q.height != nullptr) add_bias(q, row, first, visible, scores);
  const __m512 nothing = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 most = nothing;
  for (int64_t j = 0; j < visible; j += 16)
    most = _mm512_max_ps(most, _mm512_mask_loadu_ps(nothing, mask_at(j), scores + j));
  const float peak = std::max(scratch.largest[row], _mm512_reduce_max_ps(most));
  const __m512 shift = _mm512_set1_ps(peak);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < padded; j += 16) {
    const __mmask16 mask = mask_at(j);
    const __m512 power = power_of_two(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, scores + j), shift));
    const __m256i bits = narrow(_mm512_maskz_mov_ps(mask, power));
    sum = _mm512_add_ps(sum, widen(bits));  // of the weights as they are multiplied
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), bits);
  }
  const float kept = std::exp2(scratch.largest[row] - peak);
  scratch.total[row] = scratch.total[row] * kept + _mm512_reduce_add_ps(sum);
  scratch.largest[row] = peak;
  if (kept == 1.0f) return;
  for (int64_t j = 0; j < q.head.width(); j += 16)
    _mm512_storeu_ps(result + j, _mm512_mul_ps(_mm512_loadu_ps(result + j), _mm512_set1_ps(kept)));
}

// out [rows, columns] (+)= x [rows, 2 * pairs] times panels that lie panel_words apart.
template <bool add>
inline void multiply(const uint16_t* x, int64_t stride, int64_t rows, const uint32_t* panels, int64_t panel_words,
                     int64_t count, int64_t pairs, float* out, int64_t out_stride) {
  for (int64_t panel = 0; panel < count; panel += 2) {
    const bool two = panel + 1 < count;
    const auto* first = reinterpret_cast<const __m512i*>(panels + panel * panel_words);
    const auto* second = two ? reinterpret_cast<const __m512i*>(panels + (panel + 1) * panel_words) : first;
    const __m512i* both[2] = {first, second};
    for (int64_t row = 0; row < rows; row += tile_rows) {
      const int64_t some = std::min<int64_t>(tile_rows, rows - row);
      float* const to = out + row * out_stride + panel * panel_places;
      if (two) {
        multiply_tile_rows<2, add>(some, x + row * stride, stride, both, pairs, to, out_stride);
      } else {
        multiply_tile_rows<1, add>(some, x + row * stride, stride, both, pairs, to, out_stride);
      }
    }
  }
}

// result [count, head.width()]
inline void attend(const Queries& q, Scratch& scratch, float* result) {
  std::fill_n(scratch.largest, q.count, -std::numeric_limits<float>::infinity());
  std::fill_n(scratch.total, q.count, 0.0f);
  std::fill_n(result, q.count * q.head.width(), 0.0f);
  const int64_t last = std::min(q.keys, std::max(q.min_visible, q.first_visible + q.count - 1));
  for (int64_t first = 0; first < last; first += stretch) {
    const int64_t count = std::min(stretch, last - first);
    const int64_t padded = (count + panel_places - 1) / panel_places * panel_places;
    const auto is_hidden = [&](int64_t at) {  // from the first row, so from all
      return first + at >= q.hidden_from && first + std::min(at + places_of_page, count) <= q.hidden_to;
    };
    for (int64_t at = 0; at < count; at += places_of_page) {
      if (is_hidden(at)) continue;
      const int64_t panels = std::min(places_of_page, padded - at) / panel_places;
      multiply<false>(q.rows, q.stride, q.count, q.pages[(first + at) / places_of_page], q.head.pairs * panel_places,
                      panels, q.head.pairs, scratch.scores + at, stretch);
    }
    for (int64_t row = 0; row < q.count; ++row)
      soften(q, row, first, count, padded, scratch, result + row * q.head.width());
    for (int64_t at = 0; at < count; at += places_of_page) {
      if (is_hidden(at)) continue;
      // Pairs of places beyond `count` may never have been written: they are not multiplied, whatever their weight.
      // Those that a row does not see have weight 0, and change it by nothing but the sign of a zero.
      const int64_t pairs = (std::min(places_of_page, count - at) + 1) / 2;
      multiply<true>(scratch.weights + at, stretch, q.count, q.pages[(first + at) / places_of_page] + q.value_offset,
                     panel_places * places_of_page / 2, q.head.panels, pairs, result, q.head.width());
    }
  }
  for (int64_t row = 0; row < q.count; ++row) {
    const __m512 factor = _mm512_set1_ps(1.0f / scratch.total[row]);
    float* const out = result + row * q.head.width();
    for (int64_t j = 0; j < q.head.width(); j += 16)
      _mm512_storeu_ps(out + j, _mm512_fmadd_ps(_mm512_loadu_ps(out + j), factor, _mm512_setzero_ps()));  // no -0
  }
}

// Writes one place of a page; `key` and `value` are [head size]. The partner of a place's pair must be finite when it
// is read: an even place makes it zero.
inline void write_place(const HeadLayout& head, const uint16_t* key, const uint16_t* value, int64_t slot,
                        uint32_t* keys, uint32_t* values) {
  uint32_t* const to = keys + slot / panel_places * head.pairs * panel_places + slot % panel_places;
  for (int64_t i = 0; i < head.pairs; ++i) {
    const uint32_t high = 2 * i + 1 < head.size ? key[2 * i + 1] : 0;
    to[i * panel_places] = key[2 * i] | high << 16;
  }
  for (int64_t i = 0; i < head.width(); ++i) {
    uint32_t& word = values[(i / panel_places * places_of_page / 2 + slot / 2) * panel_places + i % panel_places];
    const uint32_t bits = i < head.size ? value[i] : 0;
    word = slot % 2 == 0 ? bits : (word & 0xffffu) | bits << 16;
  }
}

// Memory of one thread for a block of queries.
struct Workplace {
  Scratch scratch;
  std::vector<uint16_t> queries;
  std::vector<float> result;
  std::vector<const uint32_t*> pages;
};
inline Workplace& workplace() {
  static thread_local Workplace place;
  return place;
}

// Queries of a block, zero up to whole pairs, and room for their results; fill(i, to) writes query i. -> their stride
template <typename Fill>
int64_t place_queries(Workplace& w, const HeadLayout& head, int64_t rows, const Fill& fill) {
  const int64_t stride = 2 * head.pairs;
  w.queries.resize(static_cast<size_t>(query_block * stride));
  w.result.resize(static_cast<size_t>(query_block * head.width()));
  for (int64_t i = 0; i < rows; ++i) {
    uint16_t* const to = w.queries.data() + i * stride;
    fill(i, to);
    std::fill(to + head.size, to + stride, uint16_t{0});
  }
  return stride;
}

}  // namespace lectern::cpu::bf16
LECTERN_AVX512_END
