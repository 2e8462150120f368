// A convolution is a product of the places under its kernel with its weight.
#include "device/lowering/lowerings.h"

namespace lectern::lowering {

void conv2d(Device& device, const Conv2dArgs& args) {
  const int64_t rows = args.out.shape.rows();
  const MutableTensorView out = args.out.reshaped({rows, args.out.shape[-1]});
  // A kernel of one place needs no unfolding: its rows are the input's.
  if (args.kernel == 1 && args.stride == 1 && args.padding == 0) {
    device.linear(
        {.in = args.in.reshaped({rows, args.in.shape[-1]}), .weight = args.weight, .bias = args.bias, .out = out});
    return;
  }
  const Tensor patches(device, DataType::f32, {rows, args.weight.in()});
  device.im2col({args.in, args.kernel, args.stride, args.padding, args.dilation, patches});
  device.linear({.in = patches, .weight = args.weight, .bias = args.bias, .out = out});
}

// One copy for every line of the kernel, out of a picture with its padding written out.
void im2col(Device& device, const Im2colArgs& args) {
  const int64_t batch = args.in.shape[0];
  const int64_t channels = args.in.shape[3];
  const int64_t height = args.in.shape[1] + 2 * args.padding;
  const int64_t width = args.in.shape[2] + 2 * args.padding;
  const int64_t kernel = args.kernel;
  const int64_t reach = args.dilation * (kernel - 1) + 1;
  const int64_t out_height = (height - reach) / args.stride + 1;
  const int64_t out_width = (width - reach) / args.stride + 1;
  TensorView in = args.in;
  Tensor padded;
  if (args.padding > 0) {
    padded = Tensor(device, DataType::f32, {batch, height, width, channels});
    const float nothing = 0;
    const Tensor zero = from_host(device, {&nothing, 1}, {1});
    device.copy({repeated(zero, padded.shape(), {0, 0, 0, 0}), padded});
    device.copy({args.in, MutableStridedView(padded, (args.padding * width + args.padding) * channels, args.in.shape,
                                             {height * width * channels, width * channels, channels, 1})});
    in = padded;
  }
  const int64_t places = kernel * kernel;
  const int64_t row = channels * places;
  const Shape shape = {batch, out_height, out_width, kernel, channels};
  for (int64_t line = 0; line < kernel; ++line) {
    const StridedView from(in, line * args.dilation * width * channels, shape,
                           {height * width * channels, args.stride * width * channels, args.stride * channels,
                            args.dilation * channels, 1});
    const MutableStridedView to(args.out, line * kernel, shape,
                                {out_height * out_width * row, out_width * row, row, 1, places});
    device.copy({from, to});
  }
}

}  // namespace lectern::lowering
