// Softmax attention of a block of queries over blocks of 64 keys, with the running maximum and sum of the online
// softmax (Milakov and Gimelshein, 2018), so that no row of scores is ever held in full. Included once a target.
#if defined(LECTERN_CPU_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LECTERN_CPU_ATTENTION_INL_H
#undef LECTERN_CPU_ATTENTION_INL_H
#else
#define LECTERN_CPU_ATTENTION_INL_H
#endif

#include <algorithm>
#include <limits>
#include <vector>

#include "device/cpu/vector-inl.h"
#include "device/operators/operators.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int64_t query_block = 96;
inline constexpr int64_t vector_padding = 16;  // the most lanes of any target

inline int64_t padded(int64_t n) { return (n + vector_padding - 1) / vector_padding * vector_padding; }

// c [M, N vectors] (+)= a [M, depth] * b [depth, N vectors].
template <int M, int N, bool add>
HWY_INLINE void product_tile(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* c,
                             int64_t c_stride, int64_t depth) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<FloatTag> sum[M][N];
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) sum[i][j] = add ? hn::LoadU(d, c + i * c_stride + j * lanes) : hn::Zero(d);
  }
  for (int64_t k = 0; k < depth; ++k) {
    hn::Vec<FloatTag> right[N];
    for (int j = 0; j < N; ++j) right[j] = hn::LoadU(d, b + k * b_stride + j * lanes);
    for (int i = 0; i < M; ++i) {
      const auto left = hn::Set(d, a[i * a_stride + k]);
      for (int j = 0; j < N; ++j) sum[i][j] = hn::MulAdd(left, right[j], sum[i][j]);
    }
  }
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) hn::StoreU(sum[i][j], d, c + i * c_stride + j * lanes);
  }
}

template <int N, bool add>
void product_columns(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* c, int64_t c_stride,
                     int64_t rows, int64_t depth) {
  int64_t i = 0;
  for (; i + 6 <= rows; i += 6)
    product_tile<6, N, add>(a + i * a_stride, a_stride, b, b_stride, c + i * c_stride, c_stride, depth);
  a += i * a_stride;
  c += i * c_stride;
  switch (rows - i) {
    case 5: return product_tile<5, N, add>(a, a_stride, b, b_stride, c, c_stride, depth);
    case 4: return product_tile<4, N, add>(a, a_stride, b, b_stride, c, c_stride, depth);
    case 3: return product_tile<3, N, add>(a, a_stride, b, b_stride, c, c_stride, depth);
    case 2: return product_tile<2, N, add>(a, a_stride, b, b_stride, c, c_stride, depth);
    case 1: return product_tile<1, N, add>(a, a_stride, b, b_stride, c, c_stride, depth);
    default: return;
  }
}

// c [rows, columns] (+)= a [rows, depth] * b [depth, columns]; columns a multiple of 16. Six rows by four vectors
// of 16 floats, or two of 8 or fewer, keep every sum in a register.
template <bool add>
void product(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* c, int64_t c_stride,
             int64_t rows, int64_t columns, int64_t depth) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int most = HWY_MAX_BYTES >= 64 ? 4 : 2;
  const int64_t wide = columns / (most * lanes);
  const int64_t narrow = (columns - wide * most * lanes) / lanes;
  for (int64_t j = 0; j < wide; ++j, b += most * lanes, c += most * lanes) {
    product_columns<most, add>(a, a_stride, b, b_stride, c, c_stride, rows, depth);
  }
  for (int64_t j = 0; j < narrow; ++j, b += lanes, c += lanes) {
    product_columns<1, add>(a, a_stride, b, b_stride, c, c_stride, rows, depth);
  }
}

struct QueryBlock {
  const float* queries = nullptr;  // [rows, head_size], unscaled
  int64_t query_stride = 0;
  int64_t rows = 0;  // at most query_block
  int64_t head_size = 0;
  float scale = 1;
  const float* const* keys = nullptr;    // a block each: [head_size, page_tokens]
  const float* const* values = nullptr;  // a block each: [page_tokens, value_stride]
  int64_t value_stride = 0;              // head size padded to 16
  int64_t key_count = 0;
  // Row i sees the first min(key_count, max(min_visible, first_visible + i)) keys, less those from hidden_from on and
  // before hidden_to + i. Blocks that no row sees are not read.
  int64_t first_visible = std::numeric_limits<int64_t>::max() / 2;
  int64_t min_visible = 0;
  int64_t hidden_from = 0;
  int64_t hidden_to = std::numeric_limits<int64_t>::min() / 2;
  // Added to the score of row i and key j: height_bias[i][j / grid_width] + width_bias[i][j % grid_width].
  const float* height_bias = nullptr;
  const float* width_bias = nullptr;
  int64_t height_stride = 0;
  int64_t width_stride = 0;  // readable up to 16 floats past the grid's width
  int64_t grid_width = 1;
};

// scores [64 + 16] of the keys first .. first + count - 1 += the bias of one query.
inline void add_bias(const QueryBlock& block, int64_t row, int64_t first, int64_t count, float* scores) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* height = block.height_bias + row * block.height_stride;
  const float* width = block.width_bias + row * block.width_stride;
  int64_t line = first / block.grid_width;
  int64_t column = first % block.grid_width;
  for (int64_t at = 0; at < count;) {
    const int64_t run = std::min(block.grid_width - column, count - at);
    const auto of_line = hn::Set(d, height[line]);
    int64_t j = 0;
    for (; j + lanes <= run; j += lanes) {
      const auto bias = hn::Add(hn::LoadU(d, width + column + j), of_line);
      hn::StoreU(hn::Add(hn::LoadU(d, scores + at + j), bias), d, scores + at + j);
    }
    for (; j < run; ++j) scores[at + j] += width[column + j] + height[line];
    at += run;
    column = 0;
    ++line;
  }
}

// result [rows, value_stride]: softmax(q k^T scale + bias) v.
inline void attend(const QueryBlock& block, float* result) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  alignas(64) float scores[query_block * page_tokens + vector_padding];
  float largest[query_block];
  float total[query_block];
  std::fill_n(largest, block.rows, -std::numeric_limits<float>::infinity());
  std::fill_n(total, block.rows, 0.0f);
  std::fill_n(result, block.rows * block.value_stride, 0.0f);
  const auto scale = hn::Set(d, block.scale);
  const auto nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
  const int64_t last_visible =
      std::min(block.key_count, std::max(block.min_visible, block.first_visible + block.rows - 1));
  for (int64_t first = 0; first < last_visible; first += page_tokens) {
    const int64_t count = std::min<int64_t>(page_tokens, last_visible - first);
    const int64_t index = first / page_tokens;
    if (first >= block.hidden_from && first + count <= block.hidden_to) continue;  // from the first row, so from all
    product<false>(block.queries, block.query_stride, block.keys[index], page_tokens, scores, page_tokens, block.rows,
                   page_tokens, block.head_size);
    for (int64_t i = 0; i < block.rows; ++i) {
      float* row = scores + i * page_tokens;
      const int64_t visible =
          std::clamp<int64_t>(std::max(block.min_visible, block.first_visible + i) - first, 0, count);
      // Of the visible ones, those from hide_from on and before hide_to are hidden.
      const int64_t hide_from = std::clamp<int64_t>(block.hidden_from - first, 0, visible);
      const int64_t hide_to = std::clamp<int64_t>(block.hidden_to + i - first, hide_from, visible);
      if (hide_to - hide_from == visible) {
        std::fill_n(row, page_tokens, 0.0f);
        continue;
      }
      for (int64_t j = 0; j < page_tokens; j += lanes) hn::Store(hn::Mul(hn::Load(d, row + j), scale), d, row + j);
      if (block.height_bias != nullptr) add_bias(block, i, first, visible, row);
      auto most = nothing;
      for (int64_t j = 0; j < page_tokens; j += lanes) {
        auto value = hn::Load(d, row + j);
        if (j + lanes > visible) {
          value = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(0, visible - j))), value, nothing);
          hn::Store(value, d, row + j);
        }
        if (j < hide_to && j + lanes > hide_from) {
          const auto before = hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(0, hide_from - j)));
          const auto hidden = hn::AndNot(before, hn::FirstN(d, static_cast<size_t>(hide_to - j)));
          value = hn::IfThenElse(hidden, nothing, value);
          hn::Store(value, d, row + j);
        }
        most = hn::Max(most, value);
      }
      const float peak = std::max(largest[i], hn::GetLane(hn::MaxOfLanes(d, most)));
      const auto shift = hn::Set(d, peak);
      auto sum = hn::Zero(d);
      for (int64_t j = 0; j < page_tokens; j += lanes) {
        const auto weight = hn::Exp(d, hn::Sub(hn::Load(d, row + j), shift));
        hn::Store(weight, d, row + j);
        sum = hn::Add(sum, weight);
      }
      const float kept = std::exp(largest[i] - peak);
      total[i] = total[i] * kept + hn::GetLane(hn::SumOfLanes(d, sum));
      if (kept != 1.0f) {
        const auto factor = hn::Set(d, kept);
        float* out = result + i * block.value_stride;
        for (int64_t j = 0; j < block.value_stride; j += lanes)
          hn::StoreU(hn::Mul(hn::LoadU(d, out + j), factor), d, out + j);
      }
      largest[i] = peak;
    }
    // Places past `count` may never have been written: they are not multiplied, whatever their weight. Those that a row
    // does not see have weight 0, and change it by nothing but the sign of a zero.
    product<true>(scores, page_tokens, block.values[index], block.value_stride, result, block.value_stride, block.rows,
                  block.value_stride, count);
  }
  for (int64_t i = 0; i < block.rows; ++i) {
    const auto factor = hn::Set(d, 1.0f / total[i]);
    float* out = result + i * block.value_stride;
    for (int64_t j = 0; j < block.value_stride; j += lanes)
      hn::StoreU(hn::MulAdd(hn::LoadU(d, out + j), factor, hn::Zero(d)), d, out + j);  // a zero becomes positive
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
