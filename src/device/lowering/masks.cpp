// Scattering by a mask, with the places counted by the host or by the device, and what the latter needs.
#include "device/lowering/lowerings.h"

namespace lectern::lowering {

void masked_scatter_by_index(Device& device, const MaskedScatterArgs& args) {
  const std::vector<float> mask = floats_to_host(device, args.mask);
  std::vector<int32_t> places;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] != 0) places.push_back(static_cast<int32_t>(i));
  }
  if (places.empty()) return;
  const auto count = static_cast<int64_t>(places.size());
  device.scatter_rows({args.in.slice(0, count), from_host(device, places), args.out});
}

// The running sum of the mask numbers the rows of in; nothing leaves the device.
void masked_scatter_by_sum(Device& device, const MaskedScatterArgs& args) {
  const int64_t rows = args.out.shape[0];
  if (rows == 0 || args.in.shape[0] == 0) return;
  const Tensor numbers(device, DataType::f32, {rows});
  device.cumulative_sum({args.mask, numbers});
  device.add({.a = numbers, .number = -1, .out = numbers});
  device.maximum({.a = numbers, .number = 0, .out = numbers});  // before the first there is a place, not used
  const Tensor indices(device, DataType::i32, {rows});
  device.copy({numbers, indices});
  const Tensor picked(device, DataType::f32, args.out.shape);
  device.gather_rows({args.in, indices, picked});
  device.where({repeated(args.mask, args.out.shape, {1, 0}), picked, args.out, args.out});
}

// Sums of 1, 2, 4 ... elements: each from two of half that length.
void cumulative_sum(Device& device, const LineArgs& args) {
  const int64_t rows = args.in.shape.rows();
  const int64_t width = args.in.shape[-1];
  if (rows * width == 0) return;
  const Tensor sums(device, DataType::f32, {rows, width});
  const Tensor next(device, DataType::f32, {rows, width});
  device.copy({args.in.reshaped({rows, width}), sums});
  for (int64_t reach = 1; reach < width; reach *= 2) {
    const Shape behind = {rows, width - reach};
    device.copy({sums, next});
    device.add({.a = StridedView(sums, 0, behind, {width, 1}),
                .b = StridedView(sums, reach, behind, {width, 1}),
                .out = MutableStridedView(next, reach, behind, {width, 1})});
    device.copy({next, sums});
  }
  device.copy({sums, args.out.reshaped({rows, width})});
}

// a * mask + b * (1 - mask): exact for finite values, of which every one is multiplied by 1 and added to 0.
void where(Device& device, const WhereArgs& args) {
  const Tensor kept(device, DataType::f32, args.out.shape);
  const Tensor taken(device, DataType::f32, args.out.shape);
  device.multiply({.a = args.mask, .number = -1, .out = kept});
  device.add({.a = kept, .number = 1, .out = kept});
  device.multiply({.a = args.b, .b = kept, .out = kept});
  device.multiply({.a = args.a, .b = args.mask, .out = taken});
  device.add({.a = taken, .b = kept, .out = args.out});
}

}  // namespace lectern::lowering
