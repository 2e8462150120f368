// What is computed element by element.
#include "device/lowering/lowerings.h"

namespace lectern::lowering {
// In f32 and back.
void multiply(Device& device, const BinaryArgs& args) {
  const Tensor a(device, DataType::f32, args.out.shape);
  const Tensor b(device, DataType::f32, args.out.shape);
  device.copy({args.a, a});
  if (args.b) device.copy({args.b, b});
  device.multiply({.a = a, .b = args.b ? StridedView(b) : StridedView(), .number = args.number, .out = a});
  device.copy({a, args.out});
}

void subtract(Device& device, const BinaryArgs& args) {
  if (!args.b) return device.add({.a = args.a, .number = -args.number, .out = args.out});
  const Tensor negative(device, DataType::f32, args.out.shape);
  device.multiply({.a = args.b, .number = -1, .out = negative});
  device.add({.a = args.a, .b = negative, .out = args.out});
}

void normalize_pixels(Device& device, const NormalizePixelsArgs& args) {
  const int64_t count = static_cast<int64_t>(args.size) * args.size * 3;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t view = 0; view < args.views.size(); ++view) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = (static_cast<float>(args.views[view][i]) / 255.0f - 0.5f) / 0.5f;
    const MutableTensorView out = args.out.slice(static_cast<int64_t>(view), 1).reshaped({count});
    device.copy({from_host(device, values, {count}), out});
  }
}

}  // namespace lectern::lowering
