#include "device/host_values.h"

namespace lectern {

Tensor from_host(Device& device, std::span<const float> values, const Shape& shape) {
  return device.vector(view_of_floats(values, shape));
}

Tensor from_host(Device& device, std::span<const int32_t> indices) {
  const std::vector<float> values(indices.begin(), indices.end());
  const Shape shape = {static_cast<int64_t>(indices.size())};
  Tensor result(device, DataType::i32, shape);
  device.copy({from_host(device, values, shape), result});
  return result;
}

std::vector<float> floats_to_host(Device& device, const TensorView& values) {
  std::vector<float> result(static_cast<size_t>(values.shape.elements()));
  const Wide wide(device, values);
  device.read(wide.view(), result.data());
  return result;
}

std::vector<int32_t> indices_to_host(Device& device, const TensorView& indices) {
  const std::vector<float> values = floats_to_host(device, indices);
  return {values.begin(), values.end()};
}

Wide::Wide(Device& device, const TensorView& values) : view_(values) {
  if (values.type == DataType::f32) return;
  copy_ = Tensor(device, DataType::f32, values.shape);
  device.copy({values, copy_});
  view_ = copy_;
}

}  // namespace lectern
