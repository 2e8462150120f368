// Norms and softmax from sums, largest values and what is done to every element.
#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

// x [rows, width] -> x / sqrt(mean(x^2) + epsilon) * weight + bias, without a bias where that is empty.
void scale_rows(Device& device, const Tensor& x, const NormArgs& args) {
  const Shape& shape = x.shape();
  const auto width = static_cast<float>(shape[1]);
  const Tensor size(device, DataType::f32, {shape[0], 1});
  {
    const Tensor squares(device, DataType::f32, shape);
    device.multiply({.a = x, .b = x, .out = squares});
    device.reduce_sum({squares, size});
  }
  device.multiply({.a = size, .number = 1 / width, .out = size});
  device.add({.a = size, .number = args.epsilon, .out = size});
  device.sqrt({size, size});
  device.divide({.a = x, .b = repeated(size, shape, {1, 0}), .out = x});
  const MutableTensorView out = args.out.reshaped(shape);
  const bool direct = out.type == DataType::f32;
  const MutableTensorView last = direct ? out : x.view();
  device.multiply({.a = x, .b = repeated(args.weight, shape, {0, 1}), .out = args.bias ? x.view() : last});
  if (args.bias) device.add({.a = x, .b = repeated(args.bias, shape, {0, 1}), .out = last});
  if (!direct) device.copy({x, out});
}

Shape rows_of(const NormArgs& args) { return {args.in.shape.rows(), args.in.shape[-1]}; }

}  // namespace

void layer_norm(Device& device, const NormArgs& args) {
  const Shape shape = rows_of(args);
  if (shape.elements() == 0) return;
  const Tensor mean(device, DataType::f32, {shape[0], 1});
  device.reduce_sum({args.in.reshaped(shape), mean});
  device.multiply({.a = mean, .number = 1 / static_cast<float>(shape[1]), .out = mean});
  const Tensor x(device, DataType::f32, shape);
  device.subtract({.a = args.in.reshaped(shape), .b = repeated(mean, shape, {1, 0}), .out = x});
  scale_rows(device, x, args);
}

void rms_norm(Device& device, const NormArgs& args) {
  const Shape shape = rows_of(args);
  if (shape.elements() == 0) return;
  const Tensor x(device, DataType::f32, shape);
  device.copy({args.in.reshaped(shape), x});
  scale_rows(device, x, args);
}

void softmax(Device& device, const LineArgs& args) {
  const Shape shape = {args.in.shape.rows(), args.in.shape[-1]};
  if (shape.elements() == 0) return;
  const MutableTensorView out = args.out.reshaped(shape);
  const Tensor of_row(device, DataType::f32, {shape[0], 1});
  device.reduce_max({args.in.reshaped(shape), of_row});
  device.subtract({.a = args.in.reshaped(shape), .b = repeated(of_row, shape, {1, 0}), .out = out});
  device.exp({out, out});
  device.reduce_sum({out, of_row});
  device.divide({.a = out, .b = repeated(of_row, shape, {1, 0}), .out = out});
}

}  // namespace lectern::lowering
