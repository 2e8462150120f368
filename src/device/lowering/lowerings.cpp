#include "device/lowering/lowerings.h"

#include <array>

namespace lectern {

std::span<const Lowering> all_lowerings() {
  using enum Operator;
#define LECTERN_WAY(name, function, ...)                                   \
  Lowering {                                                               \
    name, {__VA_ARGS__}, [](Operators& t) { t.name = lowering::function; } \
  }
#define LECTERN_LOWERING(name, ...) LECTERN_WAY(name, name, __VA_ARGS__)
#define LECTERN_ON_HOST(name)                               \
  Lowering {                                                \
    name, {}, [](Operators& t) { t.name = lowering::name; } \
  }
  static const std::array table = {
      LECTERN_LOWERING(linear, gemm, activate, add, copy),
      LECTERN_LOWERING(gated_linear, linear, multiply),
      LECTERN_LOWERING(conv2d, im2col, linear),
      LECTERN_LOWERING(im2col, copy),
      LECTERN_LOWERING(layer_norm, reduce_sum, subtract, add, multiply, divide, sqrt, copy),
      LECTERN_LOWERING(rms_norm, reduce_sum, add, multiply, divide, sqrt, copy),
      LECTERN_LOWERING(attention, copy, gather_rows, batched_matmul, multiply, add, softmax),
      LECTERN_LOWERING(embed, gather, copy),
      LECTERN_LOWERING(project_qkv, rms_norm, linear, rope, write_kv),
      LECTERN_LOWERING(write_kv, copy),
      LECTERN_LOWERING(paged_attention, copy, batched_matmul, multiply, add, softmax),
      LECTERN_LOWERING(rope, multiply, subtract, add, copy),
      LECTERN_LOWERING(mixture_of_experts, rms_norm, experts, gated_linear, linear),
      LECTERN_LOWERING(experts, linear, softmax, top_k, sort, gather_rows, grouped_linear, multiply, reduce_sum, divide,
                       scatter_add, copy),
      LECTERN_LOWERING(sample, gather_rows, rms_norm, linear, argmax),
      LECTERN_LOWERING(gather, copy),
      LECTERN_ON_HOST(argmax),
      LECTERN_ON_HOST(normalize_pixels),
      LECTERN_LOWERING(multiply, copy, multiply),
      LECTERN_LOWERING(activate, exp, multiply, add, divide, maximum),
      LECTERN_LOWERING(softmax, reduce_max, subtract, exp, reduce_sum, divide),
      LECTERN_LOWERING(grouped_linear, linear, copy),
      LECTERN_ON_HOST(top_k),
      LECTERN_ON_HOST(sort),
      LECTERN_LOWERING(gather_rows, copy),
      LECTERN_LOWERING(scatter_rows, copy),
      LECTERN_LOWERING(scatter_add, add, copy),
      LECTERN_WAY(masked_scatter, masked_scatter_by_sum, cumulative_sum, gather_rows, where, add, maximum, copy),
      LECTERN_WAY(masked_scatter, masked_scatter_by_index, scatter_rows, copy),
      LECTERN_LOWERING(cumulative_sum, add, copy),
      LECTERN_LOWERING(where, multiply, add),
      LECTERN_LOWERING(subtract, add, multiply),
  };
#undef LECTERN_ON_HOST
#undef LECTERN_LOWERING
#undef LECTERN_WAY
  return table;
}

}  // namespace lectern
