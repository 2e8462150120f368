// Products with weights, and what follows them.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {

void linear(Device& device, const LinearArgs& args) {
  const int64_t rows = args.in.shape.elements() / args.weight.in();
  const Shape shape = {rows, args.weight.out()};
  if (shape.elements() == 0) return;
  const bool in_place = args.out.type == DataType::f32 && !args.residual;  // the residual may be the output itself
  const Tensor own = in_place ? Tensor() : Tensor(device, DataType::f32, shape);
  const MutableTensorView y = in_place ? args.out.reshaped(shape) : own.view();
  device.gemm({args.in.reshaped({rows, args.weight.in()}), args.weight, y});
  if (args.bias) device.add({.a = y, .b = repeated(args.bias, shape, {0, 1}), .out = y});
  if (args.activation != Activation::none) device.activate({args.activation, y});
  if (args.residual) {
    device.add({.a = y, .b = args.residual.reshaped(shape), .out = args.out.reshaped(shape)});
  } else if (!in_place) {
    device.copy({y, args.out.reshaped(shape)});
  }
}

void gated_linear(Device& device, const GatedLinearArgs& args) {
  const Tensor gate(device, args.out.type, args.out.shape);
  device.linear(
      {.in = args.in, .weight = args.gate(), .activation = Activation::silu, .out = gate, .written = args.written});
  device.linear({.in = args.in, .weight = args.up(), .out = args.out, .written = args.written});
  device.multiply({.a = gate, .b = args.out, .out = args.out});
}

namespace {

constexpr int64_t chunk = 1 << 20;  // elements worked on at a time, which bounds the memory for what is between

// x / (1 + exp(-slope x))
void swish(Device& device, float slope, const MutableTensorView& x) {
  const Tensor power(device, DataType::f32, x.shape);
  device.multiply({.a = x, .number = -slope, .out = power});
  device.exp({power, power});
  device.add({.a = power, .number = 1, .out = power});
  device.divide({.a = x, .b = power, .out = x});
}

// max(x, 0) - |x| tail(|x|), where tail is what the normal distribution holds beyond x. By Abramowitz and Stegun 7.1.26
// 2 tail(z sqrt(2)) = t (a1 + t (a2 + t (a3 + t (a4 + t a5)))) exp(-z^2) with t = 1 / (1 + p z), to 1.5e-7, about what
// f32 holds.
void gelu(Device& device, const MutableTensorView& x) {
  constexpr float p = 0.3275911f;
  constexpr float coefficients[] = {1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
  constexpr auto root = std::numbers::sqrt2_v<float>;
  const Tensor z(device, DataType::f32, x.shape);
  const Tensor t(device, DataType::f32, x.shape);
  const Tensor sum(device, DataType::f32, x.shape);
  const float one = 1;
  device.multiply({.a = x, .number = -1, .out = z});
  device.maximum({.a = z, .b = x, .out = z});
  device.multiply({.a = z, .number = 1 / root, .out = z});
  device.multiply({.a = z, .number = p, .out = t});
  device.add({.a = t, .number = 1, .out = t});
  device.divide({.a = repeated(from_host(device, {&one, 1}, {1}), x.shape, {0}), .b = t, .out = t});
  device.multiply({.a = t, .number = coefficients[0], .out = sum});
  for (const float coefficient : std::span(coefficients).subspan(1)) {
    device.add({.a = sum, .number = coefficient, .out = sum});
    device.multiply({.a = sum, .b = t, .out = sum});
  }
  device.multiply({.a = sum, .b = z, .out = sum});
  device.multiply({.a = z, .b = z, .out = t});
  device.multiply({.a = t, .number = -1, .out = t});
  device.exp({t, t});
  device.multiply({.a = sum, .b = t, .out = sum});
  device.multiply({.a = sum, .number = -root / 2, .out = sum});
  device.maximum({.a = x, .number = 0, .out = x});
  device.add({.a = x, .b = sum, .out = x});
}

}  // namespace

void activate(Device& device, const ActivateArgs& args) {
  const int64_t count = args.x.shape.elements();
  for (int64_t first = 0; first < count; first += chunk) {
    const MutableTensorView x = args.x.at(first, {std::min(chunk, count - first)});
    switch (args.activation) {
      case Activation::none: break;
      case Activation::gelu: gelu(device, x); break;
      case Activation::quick_gelu: swish(device, 1.702f, x); break;
      case Activation::silu: swish(device, 1, x); break;
    }
  }
}

// The host learns the groups, and every expert multiplies its rows; those that have none are zero.
void grouped_linear(Device& device, const GroupedLinearArgs& args) {
  const std::vector<int32_t> groups = indices_to_host(device, args.groups);
  for (size_t first = 0; first < groups.size();) {
    size_t last = first;
    while (last < groups.size() && groups[last] == groups[first]) ++last;
    const auto rows = static_cast<int64_t>(last - first);
    const TensorView in = args.in.slice(static_cast<int64_t>(first), rows);
    const MutableTensorView out = args.out.slice(static_cast<int64_t>(first), rows);
    if (args.has(groups[first])) {
      device.linear({.in = in, .weight = args.weight(groups[first]), .activation = args.activation, .out = out});
    } else {
      fill_zero(device, out);
    }
    first = last;
  }
}

}  // namespace lectern::lowering
