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

// Copies know no bytes: the host converts them.
void normalize_pixels(Device& device, const NormalizePixelsArgs& args) {
  std::vector<uint8_t> levels(static_cast<size_t>(args.in.shape.elements()));
  device.download(args.in, levels.data());
  std::vector<float> values(levels.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<float>(levels[i]) / 255.0f - 0.5f) / 0.5f;
  device.upload(values.data(), args.out);
}

}  // namespace lectern::lowering
