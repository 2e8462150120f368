// Products with packed weights: how they are shared among the threads, and the kernel for processors without
// AVX512-VNNI and AVX512-BF16.
#include <algorithm>
#include <atomic>
#include <map>
#include <utility>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/byte_rows.h"
#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/matmul/panel_products.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

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
void multiply_panel(const Matrix& weight, int64_t panel, const float* x, int64_t stride, float* values) {
  const FloatTag d;
  const std::byte* const data = weight.data.data + panel * panel_bytes(weight.format, weight.in());
  for (int64_t lane = 0; lane < panel_outputs; lane += static_cast<int64_t>(hn::Lanes(d))) {
    hn::Vec<FloatTag> sum[M];
    sum_panel<M>(x, stride, data, padded_inputs(weight.in()) / group_inputs, weight.format, lane, sum);
    for (int i = 0; i < M; ++i) hn::StoreU(sum[i], d, values + i * panel_outputs + lane);
  }
}

void multiply_rows(const Matrix& weight, int64_t panel, int64_t rows, const float* x, int64_t stride, float* values) {
  switch (rows) {
    case 4: return multiply_panel<4>(weight, panel, x, stride, values);
    case 3: return multiply_panel<3>(weight, panel, x, stride, values);
    case 2: return multiply_panel<2>(weight, panel, x, stride, values);
    default: return multiply_panel<1>(weight, panel, x, stride, values);
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
namespace {

HWY_EXPORT(multiply_rows);

std::atomic<Avx512> highest_level{Avx512::bf16};

Avx512 found_level() {
#if HWY_ARCH_X86_64
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vnni")) return Avx512::none;
  return __builtin_cpu_supports("avx512bf16") ? Avx512::bf16 : Avx512::vnni;
#else
  return Avx512::none;
#endif
}

// Writes the sums of one row and one panel.
void finish(const PanelProduct& product, int64_t row, int64_t panel, const float* sums) {
  const int64_t column = panel * panel_outputs;
  const int64_t outputs = std::min(panel_outputs, product.weight->out() - column);
  float values[panel_outputs];
  std::copy_n(sums, panel_outputs, values);
  if (product.bias != nullptr) {
    for (int64_t n = 0; n < outputs; ++n) values[n] += product.bias[column + n];
  }
  activate(product.activation, values, outputs);
  const int64_t at = row * product.out_stride + column;
  if (product.residual != nullptr) {
    for (int64_t n = 0; n < outputs; ++n) values[n] += product.residual[at + n];
  }
  if (product.type == DataType::f32) {
    std::copy_n(values, outputs, reinterpret_cast<float*>(product.out) + at);
  } else {
    for (int64_t n = 0; n < outputs; ++n) reinterpret_cast<uint16_t*>(product.out)[at + n] = f32_to_bf16(values[n]);
  }
}

void multiply_plainly(const PanelRange& range) {
  const PanelProduct& product = *range.product;
  const int64_t stride = product.rows->stride();
  const float* const x = product.rows->view().as<float>() + product.first * stride;
  constexpr int64_t at_once = 4;
  float values[at_once * panel_outputs];
  float gates[at_once * panel_outputs];
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    for (int64_t row = range.from; row < range.to; row += at_once) {
      const int64_t rows = std::min(at_once, range.to - row);
      HWY_DYNAMIC_DISPATCH(multiply_rows)(*product.weight, panel, rows, x + row * stride, stride, values);
      if (product.gate != nullptr) {
        HWY_DYNAMIC_DISPATCH(multiply_rows)(*product.gate, panel, rows, x + row * stride, stride, gates);
        silu_multiply(gates, values, rows * panel_outputs);
        std::copy_n(gates, rows * panel_outputs, values);
      }
      for (int64_t i = 0; i < rows; ++i) finish(product, row + i, panel, values + i * panel_outputs);
    }
  }
}

void multiply(const PanelRange& range) {
  if (range.bytes != nullptr) return int8::multiply_range(range);
  if (has_bf16_products()) return bf16::multiply_range(range);
  multiply_plainly(range);
}

// Each task takes a part of what is left, so that the last are small and the threads end together.
std::vector<int64_t> ends_of_tasks(int64_t total) {
  constexpr int64_t least = 32 << 10;  // bytes
  std::vector<int64_t> ends;
  for (int64_t at = 0; at < total; ends.push_back(at))
    at = std::min(total, at + std::max(least, (total - at) / (2 * threads())));
  return ends;
}

// Few rows: what is read takes the time. Tasks are contiguous stretches of all panels, so that the processor's
// prefetchers follow them.
void share_panels(std::span<const PanelProduct> products) {
  const auto bytes_of_panel = [](const PanelProduct& product) {
    return panel_bytes(product.weight->format, product.weight->in()) * (product.gate != nullptr ? 2 : 1);
  };
  std::map<std::pair<const ProductRows*, WeightFormat>, ByteRows> rows;  // as bytes, once for all that share them
  std::vector<const ByteRows*> bytes;
  int64_t total = 0;
  for (const PanelProduct& product : products) {
    total += bytes_of_panel(product) * panels_of(product.weight->out());
    const WeightFormat format = product.weight->format;
    const bool quantized = is_quantized(format) && has_int8_products();
    bytes.push_back(quantized ? &rows.try_emplace({product.rows, format}, *product.rows, format).first->second
                              : nullptr);
  }
  const std::vector<int64_t> ends = ends_of_tasks(total);
  parallel_for(static_cast<int64_t>(ends.size()), [&](int64_t task) {
    const int64_t first = task == 0 ? 0 : ends[static_cast<size_t>(task - 1)];
    const int64_t last = ends[static_cast<size_t>(task)];
    int64_t start = 0;
    for (size_t i = 0; i < products.size(); ++i) {
      const PanelProduct& product = products[i];
      const int64_t cost = bytes_of_panel(product);
      const int64_t panels = panels_of(product.weight->out());
      // A panel belongs to the share in which its cost begins.
      const auto panel_at = [&](int64_t at) { return std::clamp<int64_t>((at - start + cost - 1) / cost, 0, panels); };
      const PanelRange range{
          &product, first <= start ? 0 : panel_at(first), last <= start ? 0 : panel_at(last), 0, product.count,
          bytes[i]};
      if (range.first < range.last) multiply(range);
      start += cost * panels;
    }
  });
}

// Many rows: each task takes rows that fit the second cache and as many panels as make it worth a task.
void share_tasks(std::span<const PanelProduct> products) {
  constexpr int64_t cache = 512 << 10;  // bytes of rows
  constexpr int64_t work = 16 << 20;    // products of a task
  std::vector<PanelRange> tasks;
  for (const PanelProduct& product : products) {
    const int64_t in = padded_inputs(product.weight->in());
    const int64_t panels = panels_of(product.weight->out());
    // Quantized panels are widened once for all rows.
    const int64_t fitting = std::max<int64_t>(24, cache / (2 * in) / 12 * 12);
    const int64_t block = is_quantized(product.weight->format) ? product.count : std::min(product.count, fitting);
    if (block == 0) continue;
    const int64_t wanted = std::max<int64_t>(2, work / (block * in * panel_outputs) / 2 * 2);
    for (int64_t row = 0; row < product.count; row += block) {
      for (int64_t panel = 0; panel < panels; panel += wanted) {
        tasks.push_back({&product, panel, std::min(panels, panel + wanted), row, std::min(product.count, row + block)});
      }
    }
  }
  parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t i) { multiply(tasks[static_cast<size_t>(i)]); });
}

}  // namespace

Avx512 avx512_level() {
  static const Avx512 available = found_level();
  return std::min(available, highest_level.load(std::memory_order_relaxed));
}

void limit_avx512(Avx512 highest) { highest_level = highest; }

ProductRows::ProductRows(Device& device, int64_t rows, int64_t columns)
    : storage_(device, has_bf16_products() ? DataType::bf16 : DataType::f32, {rows, padded_inputs(columns)}),
      view_(storage_) {}

ProductRows::ProductRows(Device& device, const TensorView& in) {
  const int64_t columns = in.shape[-1];
  const DataType wanted = has_bf16_products() ? DataType::bf16 : DataType::f32;
  if (in.type == wanted && columns == padded_inputs(columns)) {
    view_ = in.reshaped({in.shape.rows(), columns});
    return;
  }
  std::vector<int64_t> all(static_cast<size_t>(in.shape.rows()));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  *this = ProductRows(device, in.reshaped({in.shape.rows(), columns}), all);
}

ProductRows::ProductRows(Device& device, const TensorView& in, std::span<const int64_t> chosen)
    : ProductRows(device, static_cast<int64_t>(chosen.size()), in.shape[1]) {
  const int64_t columns = in.shape[1];
  const int64_t padding = stride() - columns;
  parallel_shares(count(), std::max<int64_t>(1, 16384 / columns), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (view_.type == DataType::bf16) {
        uint16_t* const row = writable().as<uint16_t>() + i * stride();
        narrow_row(in, chosen[static_cast<size_t>(i)], row);
        std::fill_n(row + columns, padding, uint16_t{0});
      } else {
        float* const row = writable().as<float>() + i * stride();
        widen_row(in, chosen[static_cast<size_t>(i)], row);
        std::fill_n(row + columns, padding, 0.0f);
      }
    }
  });
}

void panel_products(std::span<const PanelProduct> products) {
  const bool few = std::ranges::all_of(products, [](const PanelProduct& p) { return p.count <= max_row_products; });
  if (few) {
    share_panels(products);
  } else {
    share_tasks(products);
  }
}

}  // namespace lectern::cpu
#endif
