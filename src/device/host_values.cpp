#include "device/host_values.h"

#include <cstring>

namespace lectern {

Tensor from_host(Device& device, std::span<const float> values, const Shape& shape) {
  Tensor result(device, DataType::f32, shape);
  device.upload(values.data(), result);
  return result;
}

Tensor from_host(Device& device, std::span<const int32_t> values) {
  Tensor result(device, DataType::i32, {static_cast<int64_t>(values.size())});
  device.upload(values.data(), result);
  return result;
}

void fill_zero(Device& device, const MutableTensorView& values) {
  const std::vector<std::byte> zeros(values.bytes());
  device.upload(zeros.data(), values);
}

Tensor floats_from_host(Device& device, const TensorView& values) {
  std::vector<float> wide(static_cast<size_t>(values.shape.elements()));
  if (values.type == DataType::f32) {
    std::memcpy(wide.data(), values.data, values.bytes());  // which a file may hold at any address
  } else {
    for (size_t i = 0; i < wide.size(); ++i) {
      uint16_t bits = 0;
      std::memcpy(&bits, values.data + i * sizeof(bits), sizeof(bits));
      wide[i] = values.type == DataType::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
    }
  }
  return from_host(device, wide, values.shape);
}

std::vector<float> floats_to_host(Device& device, const TensorView& values) {
  std::vector<float> result(static_cast<size_t>(values.shape.elements()));
  const F32View wide(device, values);
  device.download(wide.view(), result.data());
  return result;
}

std::vector<int32_t> indices_to_host(Device& device, const TensorView& indices) {
  std::vector<int32_t> result(static_cast<size_t>(indices.shape.elements()));
  device.download(indices, result.data());
  return result;
}

F32View::F32View(Device& device, const TensorView& values) : view_(values) {
  if (values.type == DataType::f32) return;
  copy_ = Tensor(device, DataType::f32, values.shape);
  device.copy({values, copy_});
  view_ = copy_;
}

}  // namespace lectern
