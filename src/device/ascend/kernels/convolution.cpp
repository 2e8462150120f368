// Convolutions as products. Lines of pixels that do not overlap are one copy; other kernels are unfolded by Im2col,
// which orders them as the checkpoint does. aclnn's own convolution changes layouts before and after and was measured
// to be far slower.
#include "device/ascend/kernels/kernels.h"
#include "device/device.h"

namespace lectern::ascend {
namespace {

// Of a convolution and of what it is unfolded to alike.
struct Window {
  int64_t kernel, stride, padding, dilation;

  bool is_pixel() const { return kernel == 1 && stride == 1 && padding == 0; }
  bool is_patch() const { return kernel == stride && padding == 0 && dilation == 1; }
  int64_t places(int64_t extent) const { return (extent + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
};

template <typename Args>
Window window_of(const Args& args) {
  return {args.kernel, args.stride, args.padding, args.dilation};
}

// in [batch, height, width, channels] -> out [batch * places, channels * kernel * kernel]
void copy_patches(Session& session, const Window& w, const TensorView& in, const MutableTensorView& out) {
  const int64_t width = in.shape[2];
  const int64_t channels = in.shape[3];
  const std::initializer_list<int64_t> shape = {in.shape[0], w.places(in.shape[1]), w.places(width), channels, w.kernel,
                                                w.kernel};
  copy_view(session, View(out, shape),
            View(in).strided(0, shape,
                             {in.shape[1] * width * channels, w.kernel * width * channels, w.kernel * channels, 1,
                              width * channels, channels}));
}

// -> [batch, channels * kernel * kernel, places]
Tensor unfolded(Device& device, const Window& w, const TensorView& in, DataType type) {
  Session& session = session_of(device);
  const int64_t channels = in.shape[3];
  const Tensor picture(device, type, {in.shape[0], channels, in.shape[1], in.shape[2]});
  copy_view(session, picture.view(), View(in).permuted({0, 3, 1, 2}));
  Tensor columns(device, type,
                 {in.shape[0], channels * w.kernel * w.kernel, w.places(in.shape[1]) * w.places(in.shape[2])});
  const std::array<int64_t, 2> kernel = {w.kernel, w.kernel};
  const std::array<int64_t, 2> dilation = {w.dilation, w.dilation};
  const std::array<int64_t, 2> padding = {w.padding, w.padding};
  const std::array<int64_t, 2> stride = {w.stride, w.stride};
  session.call(session.functions().im2col, View(picture.view()), IntegerArray{kernel}, IntegerArray{dilation},
               IntegerArray{padding}, IntegerArray{stride}, View(columns.view()));
  return columns;
}

}  // namespace

void im2col(Device& device, const Im2colArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  const Window w = window_of(args);
  if (w.is_patch()) return copy_patches(session, w, args.in, args.out);
  const Tensor columns = unfolded(device, w, args.in, args.out.type);
  const Shape& shape = columns.shape();
  copy_view(session, View(args.out, {shape[0], shape[2], shape[1]}), View(columns.view()).permuted({0, 2, 1}));
}

void conv2d(Device& device, const Conv2dArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  const Window w = window_of(args);
  const int64_t rows = args.out.shape.rows();
  const MutableTensorView out = args.out.reshaped({rows, args.out.shape[3]});
  if (w.is_pixel()) return linear(device, {.in = args.in, .weight = args.weight, .bias = args.bias, .out = out});
  const DataType type = args.weight.data.type;
  if (w.is_patch()) {
    const Tensor patches(device, type, {rows, args.weight.in()});
    copy_patches(session, w, args.in, patches);
    return linear(device, {.in = patches, .weight = args.weight, .bias = args.bias, .out = out});
  }
  // [batch, places, columns] * [columns, out channels]
  const Tensor columns = unfolded(device, w, args.in, type);
  const Shape shape = {columns.shape()[0], columns.shape()[2], args.out.shape[3]};
  const View in = View(columns.view()).permuted({0, 2, 1});
  const View whole(args.out, {shape[0], shape[1], shape[2]});
  product(device, in, transposed(args.weight.data), whole);
  if (args.bias) session.call(session.functions().inplace_add, View(out), View(args.bias), Scalar{1});
}

}  // namespace lectern::ascend
