// Linear layers, and products that share their rows.
#include <array>

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

void gated_linear(Device& device, const GatedLinearArgs& args) {
  const int64_t rows = args.in.shape.elements() / args.gate().in();
  if (rows == 0) return;
  const bool narrow = args.in.type != DataType::f32 || args.out.type != DataType::f32;
  if (narrow && args.gate().format == WeightFormat::f32) return lowering::gated_linear(device, args);
  const ProductRows in(device, args.in.reshaped({rows, args.gate().in()}), args.gate().format);
  const PanelProduct one{.weight = &args.up(),
                         .gate = &args.gate(),
                         .rows = &in,
                         .count = rows,
                         .written = args.written,
                         .out = args.out.data,
                         .type = args.out.type,
                         .out_stride = args.up().out()};
  panel_products({&one, 1});
}

// All three products in one parallel region.
void project_qkv(Device& device, const ProjectQkvArgs& args) {
  const int64_t rows = args.x.shape[0];
  if (rows == 0) return;
  const Tensor normed(device, DataType::f32, args.x.shape);
  const Tensor k(device, DataType::f32, {rows, args.k().out()});
  const Tensor v(device, DataType::f32, {rows, args.v().out()});
  rms_norm(device, {.in = args.x, .weight = args.norm, .epsilon = args.epsilon, .out = normed});
  const ProductRows in(device, normed, args.q().format);
  const auto product = [&](const Weight& weight, std::byte* out) {
    return PanelProduct{
        .weight = &weight, .rows = &in, .count = rows, .written = args.written, .out = out, .out_stride = weight.out()};
  };
  const std::array all = {product(args.q(), args.queries.data), product(args.k(), k.view().data),
                          product(args.v(), v.view().data)};
  panel_products(all);
  rope(device, {args.queries, args.heads, args.theta, args.step});
  rope(device, {k, args.cache.kv_heads, args.theta, args.step});
  write_kv(device, {k, v, args.step, args.cache});
}

}  // namespace lectern::cpu
