// Copies of values between host and device, and between data types.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device.h"

namespace lectern {

// f32 values of the host as a tensor.
inline TensorView view_of_floats(std::span<const float> values, const Shape& shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), DataType::f32, shape};
}

Tensor from_host(Device&, std::span<const float> values, const Shape& shape);
Tensor from_host(Device&, std::span<const int32_t> values);  // [n]
void fill_zero(Device&, const MutableTensorView& values);
// A small tensor in the host's memory, of type f32, f16 or bf16, as f32 on the device: e.g. a norm's weight.
Tensor floats_from_host(Device&, const TensorView& values);
// Values of type f32, f16, bf16 or i32, as f32.
std::vector<float> floats_to_host(Device&, const TensorView& values);
std::vector<int32_t> indices_to_host(Device&, const TensorView& indices);

// Values as f32: a view of those given, or of a copy where they are narrower.
class F32View {
 public:
  F32View(Device& device, const TensorView& values);
  const TensorView& view() const { return view_; }

 private:
  Tensor copy_;
  TensorView view_;
};

}  // namespace lectern
