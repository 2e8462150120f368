// What the model does element by element, from its strided counterparts.
#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

// b is repeated along the leading extents of a.
struct Folded {
  explicit Folded(const BinaryArgs& args)
      : shape{args.a.shape.elements() / args.b.shape.elements(), args.b.shape.elements()} {}
  Shape shape;
  StridedView repeat(const TensorView& b) const { return repeated(b, shape, {0, 1}); }
};

}  // namespace

void copy(Device& device, const CopyArgs& args) {
  device.rearrange({StridedView(args.in, 0, args.in.shape, {args.in_stride, 1}),
                    MutableStridedView(args.out, 0, args.out.shape, {args.out_stride, 1})});
}

void add(Device& device, const BinaryArgs& args) {
  if (args.a.shape.elements() == 0) return;
  const Folded folded(args);
  device.plus({.a = args.a.reshaped(folded.shape), .b = folded.repeat(args.b), .out = args.out.reshaped(folded.shape)});
}

void multiply(Device& device, const BinaryArgs& args) {
  if (args.a.shape.elements() == 0) return;
  const Folded folded(args);
  const Wide a(device, args.a.reshaped(folded.shape));
  const Wide b(device, args.b);
  const bool direct = args.out.type == DataType::f32;
  const Tensor own = direct ? Tensor() : Tensor(device, DataType::f32, folded.shape);
  const MutableTensorView out = args.out.reshaped(folded.shape);
  device.times({.a = a.view(), .b = folded.repeat(b.view()), .out = direct ? out : own.view()});
  if (!direct) device.rearrange({own, out});
}

void minus(Device& device, const PairArgs& args) {
  if (!args.b) return device.plus({.a = args.a, .number = -args.number, .out = args.out});
  const Tensor negative(device, DataType::f32, args.out.shape);
  device.times({.a = args.b, .number = -1, .out = negative});
  device.plus({.a = args.a, .b = negative, .out = args.out});
}

void pixels(Device& device, const PixelsArgs& args) {
  const int64_t count = static_cast<int64_t>(args.size) * args.size * 3;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t view = 0; view < args.views.size(); ++view) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = (static_cast<float>(args.views[view][i]) / 255.0f - 0.5f) / 0.5f;
    const MutableTensorView out = args.out.slice(static_cast<int64_t>(view), 1).reshaped({count});
    device.rearrange({from_host(device, values, {count}), out});
  }
}

}  // namespace lectern::lowering
