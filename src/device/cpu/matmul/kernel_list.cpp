#include "device/cpu/matmul/kernel_list.h"

#include <hwy/detect_compiler_arch.h>

#include <algorithm>
#include <atomic>

#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

namespace lectern::cpu {
namespace {

bool as_stored(WeightFormat format) { return format == WeightFormat::f32; }
bool is_packed(WeightFormat format) { return format != WeightFormat::f32; }
bool is_bf16(WeightFormat format) { return format == WeightFormat::bf16; }
bool is_any(WeightFormat /*format*/) { return true; }

// The fastest come first, those that run everywhere last.
constexpr PanelKernel kernels[] = {
    // name, needs, rows, weights, rows as bytes, function
    {"int8 avx512-vnni", Avx512::vnni, RowKind::written, is_quantized, true, int8::multiply},
    {"bf16 rows avx512-bf16", Avx512::bf16, RowKind::written, is_bf16, false, bf16::multiply_rows},
    {"f32 dot products", Avx512::none, RowKind::written, as_stored, false, f32::multiply_dots},
    {"f32 rows", Avx512::none, RowKind::written, is_packed, false, f32::multiply_rows},
    {"bf16 tiles avx512-bf16", Avx512::bf16, RowKind::prompt, is_packed, false, bf16::multiply_tiles},
    {"f32 tiles", Avx512::none, RowKind::prompt, is_any, false, f32::multiply_tiles},
};

std::atomic<Avx512> highest_level{Avx512::bf16};

Avx512 found_level() {
#if HWY_ARCH_X86_64
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vnni")) return Avx512::none;
  return __builtin_cpu_supports("avx512bf16") ? Avx512::bf16 : Avx512::vnni;
#else
  return Avx512::none;
#endif
}

}  // namespace

Avx512 avx512_level() {
  static const Avx512 available = found_level();
  return std::min(available, highest_level.load(std::memory_order_relaxed));
}

void limit_avx512(Avx512 highest) { highest_level = highest; }

std::span<const PanelKernel> panel_kernels() { return kernels; }

const PanelKernel& kernel_for(RowKind kind, WeightFormat format) {
  const Avx512 level = avx512_level();
  return *std::ranges::find_if(kernels, [&](const PanelKernel& kernel) {
    return kernel.kind == kind && kernel.needs <= level && kernel.takes(format);
  });
}

DataType row_type(WeightFormat format) {
  return is_packed(format) && avx512_level() >= Avx512::bf16 ? DataType::bf16 : DataType::f32;
}

}  // namespace lectern::cpu
