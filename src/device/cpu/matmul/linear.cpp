// Linear layers.
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/panel_products.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::cpu {

void linear(Device& device, const LinearArgs& args) {
  const int64_t rows = args.in.shape.elements() / args.weight.in();
  if (rows == 0) return;
  const bool narrow = args.in.type != DataType::f32 || args.out.type != DataType::f32;
  // Exact weights have narrow values beside them in no model.
  if (narrow && args.weight.format == WeightFormat::f32) return lowering::linear(device, args);
  const ProductRows in(device, args.in.reshaped({rows, args.weight.in()}), args.weight.format);
  const PanelProduct one{.weight = &args.weight,
                         .rows = &in,
                         .count = rows,
                         .written = args.written,
                         .bias = args.bias ? args.bias.as<float>() : nullptr,
                         .activation = args.activation,
                         .residual = args.residual ? args.residual.as<float>() : nullptr,
                         .out = args.out.data,
                         .type = args.out.type,
                         .out_stride = args.weight.out()};
  panel_products({&one, 1});
}

}  // namespace lectern::cpu
