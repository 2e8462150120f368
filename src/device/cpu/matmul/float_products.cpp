// Products with sums of f32 by Highway, for every processor: rows with packed weights that are widened in registers,
// and tiles of rows with panels of any weights that are widened once.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/matmul/float_products.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/matmul/finish-inl.h"
#include "device/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::RebindToUnsigned<FloatTag>;
using Words = hn::Vec<WordTag>;

// The number of q8 in the highest byte of every word.
HWY_API hn::Vec<FloatTag> number_of_byte(Words words) {
  const hn::RebindToSigned<FloatTag> d32;
  return hn::ConvertTo(FloatTag(), hn::ShiftRight<24>(hn::BitCast(d32, words)));
}

// sum[i] += weights * input `input` of row i
template <int M>
HWY_INLINE void add_input(const float* x, int64_t stride, int64_t input, hn::Vec<FloatTag> weight,
                          hn::Vec<FloatTag>* sum) {
  for (int i = 0; i < M; ++i) sum[i] = hn::MulAdd(weight, hn::Set(FloatTag(), x[i * stride + input]), sum[i]);
}

// The sums of M rows with the outputs of a panel from `lane` on, a vector of them.
template <int M>
void sum_panel(const float* x, int64_t stride, const std::byte* panel, int64_t groups, WeightFormat format,
               int64_t lane, hn::Vec<FloatTag>* sum) {
  const FloatTag d;
  const WordTag words32;
  for (int i = 0; i < M; ++i) sum[i] = hn::Zero(d);
  if (format == WeightFormat::bf16) {
    const auto* words = reinterpret_cast<const uint32_t*>(panel) + lane;
    for (int64_t pair = 0; pair < groups * group_inputs / 2; ++pair, words += panel_outputs) {
      const auto word = hn::LoadU(words32, words);
      add_input<M>(x, stride, 2 * pair, hn::BitCast(d, hn::ShiftLeft<16>(word)), sum);
      add_input<M>(x, stride, 2 * pair + 1, hn::BitCast(d, hn::And(word, hn::Set(words32, 0xffff0000u))), sum);
    }
    return;
  }
  const Nibbles nibbles;
  const bool eight = format == WeightFormat::q8;
  const int vectors = eight ? 8 : 4;  // of a block
  for (int64_t g = 0; g < groups; ++g, panel += group_bytes(format), x += group_inputs) {
    const auto* words = reinterpret_cast<const uint32_t*>(panel + scale_bytes) + lane;
    for (int64_t block = 0; block < 2; ++block) {
      hn::Vec<FloatTag> part[M];
      for (int i = 0; i < M; ++i) part[i] = hn::Zero(d);
      for (int64_t v = block * vectors; v < (block + 1) * vectors; ++v) {
        auto word = hn::LoadU(words32, words + v * panel_outputs);
        if (eight) {
          add_input<M>(x, stride, 4 * v + 3, number_of_byte(word), part);
          add_input<M>(x, stride, 4 * v + 1, number_of_byte(hn::ShiftLeft<8>(word)), part);
          add_input<M>(x, stride, 4 * v + 2, number_of_byte(hn::ShiftLeft<16>(word)), part);
          add_input<M>(x, stride, 4 * v, number_of_byte(hn::ShiftLeft<24>(word)), part);
        } else {
          for (int64_t i = 0; i < 8; ++i, word = hn::ShiftRight<4>(word))
            add_input<M>(x, stride, 8 * v + i % 4 * 2 + i / 4, nibbles.numbers(word), part);
        }
      }
      const auto scale = load_wide(d, reinterpret_cast<const F16*>(panel) + block * panel_outputs + lane);
      for (int i = 0; i < M; ++i) sum[i] = hn::MulAdd(part[i], scale, sum[i]);
    }
  }
}

// values [M][16] of one panel
template <int M>
void multiply_panel(const Weight& weight, int64_t panel, const float* x, int64_t stride, float* values) {
  const FloatTag d;
  const std::byte* const data = weight.data.data + panel * panel_bytes(weight.format, weight.in());
  for (int64_t lane = 0; lane < panel_outputs; lane += static_cast<int64_t>(hn::Lanes(d))) {
    hn::Vec<FloatTag> sum[M];
    sum_panel<M>(x, stride, data, padded_inputs(weight.in()) / group_inputs, weight.format, lane, sum);
    for (int i = 0; i < M; ++i) hn::StoreU(sum[i], d, values + i * panel_outputs + lane);
  }
}

void multiply_panel_rows(const Weight& weight, int64_t panel, int64_t rows, const float* x, int64_t stride,
                         float* values) {
  switch (rows) {
    case 4: return multiply_panel<4>(weight, panel, x, stride, values);
    case 3: return multiply_panel<3>(weight, panel, x, stride, values);
    case 2: return multiply_panel<2>(weight, panel, x, stride, values);
    default: return multiply_panel<1>(weight, panel, x, stride, values);
  }
}

// [depth][16] of one panel of a packed weight, from `lane` on.
void widen_packed(const std::byte* panel, int64_t groups, WeightFormat format, int64_t lane, float* out) {
  const FloatTag d;
  const WordTag words32;
  out += lane;
  if (format == WeightFormat::bf16) {
    const auto* words = reinterpret_cast<const uint32_t*>(panel) + lane;
    for (int64_t pair = 0; pair < groups * group_inputs / 2; ++pair, words += panel_outputs) {
      const auto word = hn::LoadU(words32, words);
      hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(word)), d, out + 2 * pair * panel_outputs);
      hn::StoreU(hn::BitCast(d, hn::And(word, hn::Set(words32, 0xffff0000u))), d, out + (2 * pair + 1) * panel_outputs);
    }
    return;
  }
  const Nibbles nibbles;
  const bool eight = format == WeightFormat::q8;
  const int vectors = eight ? 8 : 4;  // of a block
  for (int64_t g = 0; g < groups; ++g, panel += group_bytes(format), out += group_inputs * panel_outputs) {
    const auto* words = reinterpret_cast<const uint32_t*>(panel + scale_bytes) + lane;
    for (int64_t v = 0; v < 2 * vectors; ++v) {
      const auto scale = load_wide(d, reinterpret_cast<const F16*>(panel) + v / vectors * panel_outputs + lane);
      const auto put = [&](int64_t input, hn::Vec<FloatTag> number)
                           HWY_ATTR { hn::StoreU(hn::Mul(number, scale), d, out + input * panel_outputs); };
      auto word = hn::LoadU(words32, words + v * panel_outputs);
      if (eight) {
        put(4 * v + 3, number_of_byte(word));
        put(4 * v + 1, number_of_byte(hn::ShiftLeft<8>(word)));
        put(4 * v + 2, number_of_byte(hn::ShiftLeft<16>(word)));
        put(4 * v, number_of_byte(hn::ShiftLeft<24>(word)));
      } else {
        for (int64_t i = 0; i < 8; ++i, word = hn::ShiftRight<4>(word))
          put(8 * v + i % 4 * 2 + i / 4, nibbles.numbers(word));
      }
    }
  }
}

// out [16][16] = in [16][16], its rows `stride` apart, transposed
inline void transpose_block(const float* in, int64_t stride, float* out) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t i = 0; i < panel_outputs * panel_outputs; ++i)
    out[i] = in[i % panel_outputs * stride + i / panel_outputs];
#else
  const hn::CappedTag<float, 4> d;
  for (int64_t row = 0; row < panel_outputs; row += 4) {
    for (int64_t column = 0; column < panel_outputs; column += 4) {
      const float* const from = in + row * stride + column;
      float* const to = out + column * panel_outputs + row;
      const auto a = hn::LoadU(d, from);
      const auto b = hn::LoadU(d, from + stride);
      const auto c = hn::LoadU(d, from + 2 * stride);
      const auto e = hn::LoadU(d, from + 3 * stride);
      const auto low_ab = hn::InterleaveLower(d, a, b);
      const auto low_ce = hn::InterleaveLower(d, c, e);
      const auto high_ab = hn::InterleaveUpper(d, a, b);
      const auto high_ce = hn::InterleaveUpper(d, c, e);
      hn::StoreU(hn::ConcatLowerLower(d, low_ce, low_ab), d, to);
      hn::StoreU(hn::ConcatUpperUpper(d, low_ce, low_ab), d, to + panel_outputs);
      hn::StoreU(hn::ConcatLowerLower(d, high_ce, high_ab), d, to + 2 * panel_outputs);
      hn::StoreU(hn::ConcatUpperUpper(d, high_ce, high_ab), d, to + 3 * panel_outputs);
    }
  }
#endif
}

// The same of a weight as its checkpoint has it: 16 of its rows, transposed; zero beyond the last.
template <typename Value>
void widen_stored(const Value* rows, int64_t in, int64_t outputs, float* out) {
  HWY_ALIGN float block[panel_outputs * panel_outputs] = {};
  HWY_ALIGN float last[panel_outputs * panel_outputs];
  for (int64_t k = 0; k < in; k += panel_outputs) {
    const int64_t inputs = std::min(panel_outputs, in - k);
    if constexpr (std::is_same_v<Value, float>) {
      if (inputs == panel_outputs && outputs == panel_outputs) {
        transpose_block(rows + k, in, out + k * panel_outputs);
        continue;
      }
    }
    for (int64_t n = 0; n < outputs; ++n) widen_from(rows + n * in + k, block + n * panel_outputs, inputs);
    if (inputs == panel_outputs) {
      transpose_block(block, panel_outputs, out + k * panel_outputs);
    } else {
      transpose_block(block, panel_outputs, last);
      std::copy_n(last, inputs * panel_outputs, out + k * panel_outputs);
    }
  }
}

void widen_panel(const Weight& matrix, int64_t panel, float* out) {
  const int64_t in = matrix.in();
  if (matrix.format == WeightFormat::f32) {
    const int64_t first = panel * panel_outputs;
    const int64_t outputs = std::min(panel_outputs, matrix.out() - first);
    switch (matrix.data.type) {
      case DataType::bf16:
        return widen_stored(reinterpret_cast<const Bf16*>(matrix.data.data) + first * in, in, outputs, out);
      case DataType::f16:
        return widen_stored(reinterpret_cast<const F16*>(matrix.data.data) + first * in, in, outputs, out);
      default: return widen_stored(matrix.data.as<float>() + first * in, in, outputs, out);
    }
  }
  const std::byte* const data = matrix.data.data + panel * panel_bytes(matrix.format, in);
  for (int64_t lane = 0; lane < panel_outputs; lane += static_cast<int64_t>(hn::Lanes(FloatTag())))
    widen_packed(data, padded_inputs(in) / group_inputs, matrix.format, lane, out);
}

// Rows of a tile: with two vectors each, their sums fit the registers.
constexpr int64_t tile_rows = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 12 : 6;

// out [M][N vectors], 32 floats apart = M rows times N vectors of widened panels.
template <int M, int N>
HWY_INLINE void multiply_tile(const float* x, int64_t stride, const float* const* panels, int64_t depth, float* out) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<FloatTag> sum[M][N];
  for (auto& row : sum) {
    for (auto& s : row) s = hn::Zero(d);
  }
  const float* const left = panels[0];
  const float* const right = panels[N - 1];
  for (int64_t k = 0; k < depth; ++k) {
    hn::Vec<FloatTag> weight[N];
    weight[0] = hn::LoadU(d, left + k * panel_outputs);
    if (N == 2) weight[N - 1] = hn::LoadU(d, right + k * panel_outputs);
    for (int i = 0; i < M; ++i) {
      const auto value = hn::Set(d, x[i * stride + k]);
      for (int j = 0; j < N; ++j) sum[i][j] = hn::MulAdd(value, weight[j], sum[i][j]);
    }
  }
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) hn::StoreU(sum[i][j], d, out + i * 2 * panel_outputs + j * lanes);
  }
}

template <int N>
void multiply_tile_rows(int64_t rows, const float* x, int64_t stride, const float* const* panels, int64_t depth,
                        float* out) {
  switch (rows) {
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
    case 12: return multiply_tile<12, N>(x, stride, panels, depth, out);
    case 11: return multiply_tile<11, N>(x, stride, panels, depth, out);
    case 10: return multiply_tile<10, N>(x, stride, panels, depth, out);
    case 9: return multiply_tile<9, N>(x, stride, panels, depth, out);
    case 8: return multiply_tile<8, N>(x, stride, panels, depth, out);
    case 7: return multiply_tile<7, N>(x, stride, panels, depth, out);
#endif
    case 6: return multiply_tile<6, N>(x, stride, panels, depth, out);
    case 5: return multiply_tile<5, N>(x, stride, panels, depth, out);
    case 4: return multiply_tile<4, N>(x, stride, panels, depth, out);
    case 3: return multiply_tile<3, N>(x, stride, panels, depth, out);
    case 2: return multiply_tile<2, N>(x, stride, panels, depth, out);
    default: return multiply_tile<1, N>(x, stride, panels, depth, out);
  }
}

// out [tile_rows][2][16]: up to tile_rows rows times one widened panel or two.
void multiply_panels(int64_t rows, const float* x, int64_t stride, const float* const* panels, int count, int64_t depth,
                     float* out) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(FloatTag()));
  const int64_t last = count * panel_outputs;
  for (int64_t column = 0; column < last; column += 2 * lanes) {
    const float* both[2];
    for (int64_t j = 0; j < 2; ++j) {
      const int64_t at = column + j * lanes < last ? column + j * lanes : column;
      both[j] = panels[at / panel_outputs] + at % panel_outputs;
    }
    if (column + lanes < last) {
      multiply_tile_rows<2>(rows, x, stride, both, depth, out + column);
    } else {
      multiply_tile_rows<1>(rows, x, stride, both, depth, out + column);
    }
  }
}

void multiply_rows_range(const PanelRange& range) {
  const PanelProduct& product = *range.product;
  const int64_t stride = product.rows->stride();
  const float* const x = product.rows->view().as<float>() + product.first * stride;
  constexpr int64_t at_once = 4;
  HWY_ALIGN float values[at_once * panel_outputs];
  HWY_ALIGN float gates[at_once * panel_outputs];
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += at_once) {
      const int64_t rows = std::min(at_once, range.to - row);
      multiply_panel_rows(*product.weight, panel, rows, x + row * stride, stride, values);
      if (product.gate != nullptr) multiply_panel_rows(*product.gate, panel, rows, x + row * stride, stride, gates);
      for (int64_t i = 0; i < rows; ++i) {
        finish_panel(product, row + i, panel, values + i * panel_outputs,
                     product.gate != nullptr ? gates + i * panel_outputs : nullptr);
      }
    }
  }
}

void multiply_tiles_range(const PanelRange& range) {
  static thread_local std::vector<float> widened;
  const PanelProduct& product = *range.product;
  const int64_t stride = product.rows->stride();
  const float* const x = product.rows->view().as<float>() + product.first * stride;
  const bool gated = product.gate != nullptr;
  const int64_t size = stride * panel_outputs;  // of a widened panel
  widened.resize(static_cast<size_t>(2 * size));
  float* const left = widened.data();
  float* const right = left + size;
  const float* const panels[2] = {left, right};
  HWY_ALIGN float tile[tile_rows * 2 * panel_outputs];
  for (int64_t panel = range.first; panel < range.last; panel += gated ? 1 : 2) {
    const bool two = gated || panel + 1 < range.last;
    widen_panel(*product.weight, panel, left);
    if (two) widen_panel(gated ? *product.gate : *product.weight, gated ? panel : panel + 1, right);
    for (int64_t row = range.from; row < range.to; row += tile_rows) {
      const int64_t rows = std::min(tile_rows, range.to - row);
      multiply_panels(rows, x + row * stride, stride, panels, two ? 2 : 1, stride, tile);
      for (int64_t i = 0; i < rows; ++i) {
        const float* const sums = tile + i * 2 * panel_outputs;
        finish_panel(product, row + i, panel, sums, gated ? sums + panel_outputs : nullptr);
        if (two && !gated) finish_panel(product, row + i, panel + 1, sums + panel_outputs, nullptr);
      }
    }
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(multiply_rows_range);
HWY_EXPORT(multiply_tiles_range);

void f32::multiply_rows(const PanelRange& range) { HWY_DYNAMIC_DISPATCH(multiply_rows_range)(range); }
void f32::multiply_tiles(const PanelRange& range) { HWY_DYNAMIC_DISPATCH(multiply_tiles_range)(range); }

}  // namespace lectern::cpu
#endif
