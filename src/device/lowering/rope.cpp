// Rotation by position from products and sums; the host knows the angles.
#include <cmath>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {

void rope(Device& device, const RopeArgs& args) {
  const int64_t rows = args.x.shape[0];
  const int64_t width = args.x.shape[1];
  const int64_t size = width / args.heads;
  const int64_t half = size / 2;
  if (rows * half == 0) return;
  // Rows of no sequence are turned by nothing.
  std::vector<float> cosines(static_cast<size_t>(rows * half), 1.0f);
  std::vector<float> sines(cosines.size(), 0.0f);
  for (int64_t i = 0; i < half; ++i) {
    const auto speed =
        static_cast<float>(std::pow(args.theta, -static_cast<double>(2 * i) / static_cast<double>(size)));
    for (const SequenceRows& sequence : args.step.sequences()) {
      for (int64_t row = 0; row < sequence.rows; ++row) {
        const float angle = static_cast<float>(sequence.position + row) * speed;
        const auto at = static_cast<size_t>((sequence.first_row + row) * half + i);
        cosines[at] = std::cos(angle);
        sines[at] = std::sin(angle);
      }
    }
  }
  const Tensor cosine = from_host(device, cosines, {rows, half});
  const Tensor sine = from_host(device, sines, {rows, half});
  Tensor own;
  MutableTensorView x = args.x;
  if (x.type != DataType::f32) {
    own = Tensor(device, DataType::f32, x.shape);
    device.copy({x, own});
    x = own;
  }
  const Shape shape = {rows, args.heads, half};
  const MutableStridedView low(x, 0, shape, {width, size, 1});
  const MutableStridedView high(x, half, shape, {width, size, 1});
  const StridedView c = repeated(cosine, shape, {half, 0, 1});
  const StridedView s = repeated(sine, shape, {half, 0, 1});
  const Tensor low_sine(device, DataType::f32, shape);
  const Tensor high_sine(device, DataType::f32, shape);
  device.multiply({.a = low, .b = s, .out = low_sine});
  device.multiply({.a = high, .b = s, .out = high_sine});
  device.multiply({.a = low, .b = c, .out = low});
  device.multiply({.a = high, .b = c, .out = high});
  device.subtract({.a = low, .b = high_sine, .out = low});
  device.add({.a = high, .b = low_sine, .out = high});
  if (own) device.copy({own, args.x});
}

}  // namespace lectern::lowering
