// Laying out weights as panels, and back.
#include "device/cpu/matmul/panels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/threads.h"
#include "lectern/error.h"

namespace lectern::cpu {
namespace {

// Bits that input `i` of 64 takes in the words of one output: the vector it is in, and the shift within its word.
struct Place {
  int64_t vector;
  int shift;
};
constexpr Place place_of(WeightFormat format, int64_t i) {
  if (format == WeightFormat::q8) return {i / 4, static_cast<int>(16 * (i % 2) + 8 * (i / 2 % 2))};
  return {i / 8, static_cast<int>(16 * (i % 2) + 4 * (i / 2 % 4))};
}

int64_t outputs_of(int64_t out, int64_t panel) { return std::min(panel_outputs, out - panel * panel_outputs); }

// Inputs of one output that share a word.
constexpr int64_t inputs_of_word(WeightFormat format) { return format == WeightFormat::q8 ? 4 : 8; }

template <WeightFormat format>
uint32_t word_of(const int8_t* numbers) {
  uint32_t word = 0;
  for (int64_t i = 0; i < inputs_of_word(format); ++i) {
    const auto bits =
        format == WeightFormat::q8 ? static_cast<uint32_t>(numbers[i]) & 0xffu : static_cast<uint32_t>(numbers[i] + 8);
    word |= bits << place_of(format, i).shift;
  }
  return word;
}

// What is beyond a weight's outputs and inputs is zero.
template <WeightFormat format>
void lay_out_quantized(const WeightValues& weight, int64_t first, int64_t outputs, std::byte* panel) {
  constexpr int64_t inputs = inputs_of_word(format);
  constexpr int64_t words_of_block = block_inputs / inputs;  // of one output
  constexpr int8_t zeros[inputs] = {};
  const int64_t blocks = blocks_of(weight.in);
  for (int64_t group = 0; group < padded_inputs(weight.in) / group_inputs; ++group, panel += group_bytes(format)) {
    auto* scales = reinterpret_cast<uint16_t*>(panel);
    auto* words = reinterpret_cast<uint32_t*>(panel + scale_bytes);
    for (int64_t half = 0; half < 2; ++half, scales += panel_outputs, words += words_of_block * panel_outputs) {
      const int64_t block = 2 * group + half;
      const int64_t there = block < blocks ? outputs : 0;
      for (int64_t n = 0; n < there; ++n) {
        const int64_t at = (first + n) * blocks + block;
        scales[n] = weight.scales[static_cast<size_t>(at)];
        const int8_t* const numbers = weight.numbers.data() + at * block_inputs;
        for (int64_t v = 0; v < words_of_block; ++v)
          words[v * panel_outputs + n] = word_of<format>(numbers + v * inputs);
      }
      for (int64_t n = there; n < panel_outputs; ++n) {
        scales[n] = 0;
        for (int64_t v = 0; v < words_of_block; ++v) words[v * panel_outputs + n] = word_of<format>(zeros);
      }
    }
  }
}

// rows [outputs, in] bf16
void lay_out_bf16(const uint16_t* rows, int64_t in, int64_t outputs, std::byte* panel) {
  auto* words = reinterpret_cast<uint32_t*>(panel);
  const int64_t whole = in / 2;  // pairs
  if (outputs < panel_outputs || in < padded_inputs(in)) std::fill_n(words, padded_inputs(in) / 2 * panel_outputs, 0u);
  const auto copy_pairs = [&](auto count) {
    for (int64_t pair = 0; pair < whole; ++pair) {
      for (int64_t n = 0; n < count; ++n)
        std::memcpy(words + pair * panel_outputs + n, rows + n * in + 2 * pair, sizeof(uint32_t));
    }
  };
  if (outputs == panel_outputs) {
    copy_pairs(std::integral_constant<int64_t, panel_outputs>());  // twice as fast
  } else {
    copy_pairs(outputs);
  }
  for (int64_t n = 0; n < outputs && in % 2 != 0; ++n) words[whole * panel_outputs + n] = rows[(n + 1) * in - 1];
}

// One panel, of `outputs` outputs from `first` on.
void lay_out_panel(const WeightValues& weight, int64_t first, int64_t outputs, std::byte* panel) {
  switch (weight.format) {
    case WeightFormat::q8: return lay_out_quantized<WeightFormat::q8>(weight, first, outputs, panel);
    case WeightFormat::q4: return lay_out_quantized<WeightFormat::q4>(weight, first, outputs, panel);
    default: return lay_out_bf16(weight.values.data() + first * weight.in, weight.in, outputs, panel);
  }
}

void read_panel(const Weight& matrix, int64_t index, WeightValues& result) {
  const int64_t in = matrix.in();
  const int64_t blocks = blocks_of(in);
  const std::byte* panel = matrix.data.data + index * panel_bytes(matrix.format, in);
  for (int64_t n = 0; n < outputs_of(matrix.out(), index); ++n) {
    const int64_t row = index * panel_outputs + n;
    if (!is_quantized(matrix.format)) {
      for (int64_t k = 0; k < in; ++k)
        result.values[static_cast<size_t>(row * in + k)] =
            reinterpret_cast<const uint16_t*>(panel)[(k / 2 * panel_outputs + n) * 2 + k % 2];
      continue;
    }
    for (int64_t k = 0; k < blocks * block_inputs; ++k) {
      const std::byte* group = panel + k / group_inputs * group_bytes(matrix.format);
      const int64_t i = k % group_inputs;
      const Place place = place_of(matrix.format, i);
      const uint32_t word =
          reinterpret_cast<const uint32_t*>(group + scale_bytes)[place.vector * panel_outputs + n] >> place.shift;
      result.scales[static_cast<size_t>(row * blocks + k / block_inputs)] =
          reinterpret_cast<const uint16_t*>(group)[i / block_inputs * panel_outputs + n];
      result.numbers[static_cast<size_t>(row * blocks * block_inputs + k)] =
          matrix.format == WeightFormat::q8 ? static_cast<int8_t>(word & 0xffu)
                                            : static_cast<int8_t>(static_cast<int>(word & 15u) - 8);
    }
  }
}

}  // namespace

void pack(const TensorView& weight, WeightFormat format, std::byte* out) {
  const int64_t bytes = panel_bytes(format, weight.shape[1]);
  parallel_shares(panels_of(weight.shape[0]), 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      const int64_t outputs = outputs_of(weight.shape[0], p);
      const TensorView rows = weight.slice(p * panel_outputs, outputs);
      if (format == WeightFormat::bf16 && weight.type == DataType::bf16) {  // as it is
        lay_out_bf16(rows.as<uint16_t>(), weight.shape[1], outputs, out + p * bytes);
      } else {
        lay_out_panel(quantize(rows, format), 0, outputs, out + p * bytes);
      }
    }
  });
}

void pack(const WeightValues& weight, std::byte* out) {
  const int64_t bytes = panel_bytes(weight.format, weight.in);
  parallel_for(panels_of(weight.out), [&](int64_t p) {
    lay_out_panel(weight, p * panel_outputs, outputs_of(weight.out, p), out + p * bytes);
  });
}

WeightValues unpack(const Weight& matrix) {
  WeightValues result{
      .format = matrix.format, .out = matrix.out(), .in = matrix.in(), .values = {}, .scales = {}, .numbers = {}};
  result.resize();
  parallel_for(panels_of(matrix.out()), [&](int64_t index) { read_panel(matrix, index, result); });
  return result;
}

Weight attach(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format) {
  const int64_t of_panel = panel_bytes(format, in);
  const auto expected = static_cast<size_t>(panels_of(out) * of_panel);
  if (format == WeightFormat::f32 || bytes.bytes() != expected)
    throw Error(fmt::format("has {} bytes, expected {}", bytes.bytes(), expected), ErrorCode::corrupt_input);
  return {{bytes.data, DataType::u8, {out, of_panel / panel_outputs}}, in, format, nullptr};
}

}  // namespace lectern::cpu
