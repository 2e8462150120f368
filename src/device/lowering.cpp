#include "device/lowering.h"

#include "device/device.h"

namespace lectern {
namespace {

// A kernel of one place needs no unfolding: its rows are the input's.
void conv2d_as_linear(Device& device, const Conv2dArgs& args) {
  const int64_t rows = args.out.shape.rows();
  const MutableTensorView out = args.out.reshaped({rows, args.out.shape[-1]});
  if (args.kernel == 1 && args.stride == 1 && args.padding == 0) {
    device.linear(
        {.in = args.in.reshaped({rows, args.in.shape[-1]}), .weight = args.weight, .bias = args.bias, .out = out});
    return;
  }
  const Tensor patches(device, DataType::f32, {rows, args.weight.in()});
  device.unfold({args.in, args.kernel, args.stride, args.padding, patches});
  device.linear({.in = patches, .weight = args.weight, .bias = args.bias, .out = out});
}

}  // namespace

Operators lower_missing(Operators table) {
  if (table.conv2d == nullptr) table.conv2d = conv2d_as_linear;
  return table;
}

}  // namespace lectern
