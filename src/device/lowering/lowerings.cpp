#include "device/lowering/lowerings.h"

#include <array>

namespace lectern {

std::span<const Lowering> all_lowerings() {
  using enum Operator;
#define LECTERN_INSTALL(name, function) [](Operators& table) { table.name = lowering::function; }
  static const std::array table = {
      Lowering{linear, {product, activate, plus, rearrange}, LECTERN_INSTALL(linear, linear)},
      Lowering{conv2d, {unfold, linear}, LECTERN_INSTALL(conv2d, conv2d)},
      Lowering{unfold, {rearrange}, LECTERN_INSTALL(unfold, unfold)},
      Lowering{layer_norm,
               {reduce_sum, minus, plus, times, divide, sqrt, rearrange},
               LECTERN_INSTALL(layer_norm, layer_norm)},
      Lowering{rms_norm, {reduce_sum, plus, times, divide, sqrt, rearrange}, LECTERN_INSTALL(rms_norm, rms_norm)},
      Lowering{
          attention, {rearrange, gather_rows, matmul, times, plus, softmax}, LECTERN_INSTALL(attention, attention)},
      Lowering{store, {rearrange}, LECTERN_INSTALL(store, store)},
      Lowering{paged_attention,
               {rearrange, matmul, times, plus, softmax},
               LECTERN_INSTALL(paged_attention, paged_attention)},
      Lowering{rope, {times, minus, plus, rearrange}, LECTERN_INSTALL(rope, rope)},
      Lowering{experts,
               {linear, softmax, top_k, sort, gather_rows, grouped_linear, multiply, reduce_sum, divide, times,
                scatter_add, rearrange},
               LECTERN_INSTALL(experts, experts)},
      Lowering{gather, {rearrange}, LECTERN_INSTALL(gather, gather)},
      Lowering{copy, {rearrange}, LECTERN_INSTALL(copy, copy)},
      Lowering{add, {plus}, LECTERN_INSTALL(add, add)},
      Lowering{multiply, {times, rearrange}, LECTERN_INSTALL(multiply, multiply)},
      Lowering{pixels, {rearrange}, LECTERN_INSTALL(pixels, pixels)},
      Lowering{activate, {exp, times, plus, divide, maximum}, LECTERN_INSTALL(activate, activate)},
      Lowering{softmax, {reduce_max, minus, exp, reduce_sum, divide}, LECTERN_INSTALL(softmax, softmax)},
      Lowering{grouped_linear, {linear, rearrange}, LECTERN_INSTALL(grouped_linear, grouped_linear)},
      Lowering{top_k, {rearrange}, LECTERN_INSTALL(top_k, top_k)},
      Lowering{sort, {rearrange}, LECTERN_INSTALL(sort, sort)},
      Lowering{gather_rows, {rearrange}, LECTERN_INSTALL(gather_rows, gather_rows)},
      Lowering{scatter_rows, {rearrange}, LECTERN_INSTALL(scatter_rows, scatter_rows)},
      Lowering{scatter_add, {plus, rearrange}, LECTERN_INSTALL(scatter_add, scatter_add)},
      Lowering{masked_scatter,
               {cumulative_sum, gather_rows, select, plus, maximum, rearrange},
               LECTERN_INSTALL(masked_scatter, masked_scatter_by_sum)},
      Lowering{masked_scatter, {scatter_rows, rearrange}, LECTERN_INSTALL(masked_scatter, masked_scatter_by_index)},
      Lowering{cumulative_sum, {plus, rearrange}, LECTERN_INSTALL(cumulative_sum, cumulative_sum)},
      Lowering{select, {times, plus}, LECTERN_INSTALL(select, select)},
      Lowering{minus, {plus, times}, LECTERN_INSTALL(minus, minus)},
  };
#undef LECTERN_INSTALL
  return table;
}

}  // namespace lectern
