// Products of few rows with a large weight: every weight is read once and widened in registers.
#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/quantized.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/row_products.cpp"
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

// y[i][n + r] = x[i] . row r of q8, for R rows and M inputs padded to whole groups.
template <int R, int M>
void dot_q8(const std::byte* rows, int64_t in, const float* const* x, float* const* y, int64_t n, float* scales) {
  const FloatTag d;
  const hn::Rebind<int8_t, FloatTag> d8;
  const hn::RebindToSigned<FloatTag> d32;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t blocks = padded_columns(in) / block_columns;
  const int64_t stride = row_bytes(WeightFormat::q8, in);
  hn::Vec<FloatTag> sum[R][M];
  for (int r = 0; r < R; ++r) {
    widen_from(reinterpret_cast<const F16*>(rows + r * stride), scales + r * blocks, blocks);
    for (int i = 0; i < M; ++i) sum[r][i] = hn::Zero(d);
  }
  const auto* numbers = reinterpret_cast<const int8_t*>(rows + scale_bytes(in));
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t k = b * block_columns; k < (b + 1) * block_columns; k += lanes) {
      hn::Vec<FloatTag> value[M];
      for (int i = 0; i < M; ++i) value[i] = hn::LoadU(d, x[i] + k);
      for (int r = 0; r < R; ++r) {
        const auto number = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, numbers + r * stride + k)));
        if (k % block_columns == 0) hwy::Prefetch(numbers + (R + r) * stride + k);
        const auto weight = hn::Mul(number, hn::Set(d, scales[r * blocks + b]));
        for (int i = 0; i < M; ++i) sum[r][i] = hn::MulAdd(weight, value[i], sum[r][i]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < M; ++i) y[i][n + r] = hn::GetLane(hn::SumOfLanes(d, sum[r][i]));
  }
}

// The same for q4.
template <int R, int M>
void dot_q4(const std::byte* rows, int64_t in, const float* const* x, float* const* y, int64_t n, float* scales) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> d32;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t groups = padded_columns(in) / group_columns;
  constexpr int64_t group_blocks = group_columns / block_columns;
  const int64_t blocks = groups * group_blocks;
  const int64_t stride = row_bytes(WeightFormat::q4, in);
  const Nibbles nibbles;
  hn::Vec<FloatTag> sum[R][M];
  for (int r = 0; r < R; ++r) {
    widen_from(reinterpret_cast<const F16*>(rows + r * stride), scales + r * blocks, blocks);
    for (int i = 0; i < M; ++i) sum[r][i] = hn::Zero(d);
  }
  const auto* words = reinterpret_cast<const uint32_t*>(rows + scale_bytes(in));
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t part = 0; part < 16; part += lanes) {
      hn::Vec<decltype(d32)> word[R];
      for (int r = 0; r < R; ++r) {
        const auto* row =
            reinterpret_cast<const uint32_t*>(reinterpret_cast<const std::byte*>(words + g * 16 + part) + r * stride);
        word[r] = hn::LoadU(d32, row);
        if (part == 0) hwy::Prefetch(reinterpret_cast<const std::byte*>(row) + R * stride);
      }
      for (int64_t b = 0; b < group_blocks; ++b) {
        for (int half = 0; half < 2; ++half) {
          const int64_t k = g * group_columns + b * block_columns + half * 16 + part;
          hn::Vec<FloatTag> value[M];
          for (int i = 0; i < M; ++i) value[i] = hn::LoadU(d, x[i] + k);
          for (int r = 0; r < R; ++r) {
            const auto weight =
                hn::Mul(nibbles.numbers(word[r]), hn::Set(d, scales[r * blocks + g * group_blocks + b]));
            word[r] = hn::ShiftRight<4>(word[r]);
            for (int i = 0; i < M; ++i) sum[r][i] = hn::MulAdd(weight, value[i], sum[r][i]);
          }
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < M; ++i) y[i][n + r] = hn::GetLane(hn::SumOfLanes(d, sum[r][i]));
  }
}

template <int R, int M>
void dot_quantized(const RowProduct& product, const std::byte* rows, int first, int64_t n, float* scales) {
  const int64_t in = product.weight->in();
  if (product.weight->format == WeightFormat::q8) {
    dot_q8<R, M>(rows, in, product.x + first, product.y + first, n, scales);
  } else {
    dot_q4<R, M>(rows, in, product.x + first, product.y + first, n, scales);
  }
}

template <int R>
void quantized_inputs(const RowProduct& product, int64_t n, float* scales) {
  const std::byte* rows = product.weight->data.data + n * row_bytes(product.weight->format, product.weight->in());
  int i = 0;
  for (; i + 4 <= product.count; i += 4) dot_quantized<R, 4>(product, rows, i, n, scales);
  switch (product.count - i) {
    case 3: return dot_quantized<R, 3>(product, rows, i, n, scales);
    case 2: return dot_quantized<R, 2>(product, rows, i, n, scales);
    case 1: return dot_quantized<R, 1>(product, rows, i, n, scales);
    default: return;
  }
}

void quantized_range(const RowProduct& product, int64_t first, int64_t last) {
  static thread_local std::vector<float> scales;
  scales.resize(static_cast<size_t>(4 * padded_columns(product.weight->in()) / block_columns));
  int64_t n = first;
  for (; n + 4 <= last; n += 4) quantized_inputs<4>(product, n, scales.data());
  for (; n < last; ++n) quantized_inputs<1>(product, n, scales.data());
}

// Weight rows first .. last - 1 of one product.
void row_product_range(const RowProduct& product, int64_t first, int64_t last) {
  if (is_quantized(product.weight->format)) {
    return quantized_range(product, first, last);
  }
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

namespace {

// Quantized rows are multiplied in whole groups: where the columns are none, the inputs are copied and padded.
class PaddedInputs {
 public:
  explicit PaddedInputs(std::span<const RowProduct> products) : products_(products.begin(), products.end()) {
    size_t floats = 0;
    size_t inputs = 0;
    for (const RowProduct& product : products_) {
      if (!pads(product)) continue;
      floats += static_cast<size_t>(product.count * padded_columns(product.weight->in()));
      inputs += static_cast<size_t>(product.count);
    }
    values_.resize(floats);
    pointers_.reserve(inputs);
    float* out = values_.data();
    for (RowProduct& product : products_) {
      if (!pads(product)) continue;
      const int64_t in = product.weight->in();
      const float* const* x = product.x;
      product.x = pointers_.data() + pointers_.size();
      for (int i = 0; i < product.count; ++i, out += padded_columns(in)) {
        std::copy_n(x[i], in, out);
        pointers_.push_back(out);
      }
    }
  }
  std::span<const RowProduct> products() const { return products_; }

 private:
  static bool pads(const RowProduct& product) {
    return is_quantized(product.weight->format) && product.weight->in() % group_columns != 0;
  }
  std::vector<RowProduct> products_;
  std::vector<float> values_;  // zero where padded
  std::vector<const float*> pointers_;
};

}  // namespace

void row_products(std::span<const RowProduct> given) {
  const PaddedInputs inputs(given);
  const std::span<const RowProduct> products = inputs.products();
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
