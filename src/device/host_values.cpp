#include "device/host_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
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
  const Wide wide(device, values);
  device.download(wide.view(), result.data());
  return result;
}

std::vector<int32_t> indices_to_host(Device& device, const TensorView& indices) {
  std::vector<int32_t> result(static_cast<size_t>(indices.shape.elements()));
  device.download(indices, result.data());
  return result;
}

Chosen choose_largest(Device& device, const TensorView& logits, std::span<const std::vector<int32_t>> banned) {
  const int64_t rows = logits.shape[0];
  const int64_t width = logits.shape[1];
  std::vector<int32_t> places;
  for (size_t row = 0; row < banned.size(); ++row) {
    const auto base = static_cast<int64_t>(row) * width;
    for (const int32_t id : banned[row]) {
      if (id >= 0 && id < width) places.push_back(static_cast<int32_t>(base + id));
    }
  }
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  const Tensor banned_places = places.empty() ? Tensor() : from_host(device, places);
  // One block, so that one copy brings both.
  const int64_t part = (rows + 15) / 16 * 16;
  const Tensor both(device, DataType::i32, {2 * part});
  const MutableTensorView ids(both.view().data, DataType::i32, {rows});
  const MutableTensorView log_probabilities(both.view().slice(part, rows).data, DataType::f32, {rows});
  device.argmax({logits, banned_places, ids, log_probabilities});
  std::vector<int32_t> words(static_cast<size_t>(part + rows));
  device.download(both.view().slice(0, part + rows), words.data());
  Chosen chosen;
  for (int64_t row = 0; row < rows; ++row) {
    const int32_t id = words[static_cast<size_t>(row)];
    const float log_probability = std::bit_cast<float>(words[static_cast<size_t>(part + row)]);
    const bool none = id < 0 || std::isnan(log_probability) ||
                      std::ranges::binary_search(places, static_cast<int32_t>(row * width + id));
    chosen.ids.push_back(none ? -1 : id);
    chosen.log_probabilities.push_back(none ? 0 : log_probability);
  }
  return chosen;
}

Wide::Wide(Device& device, const TensorView& values) : view_(values) {
  if (values.type == DataType::f32) return;
  copy_ = Tensor(device, DataType::f32, values.shape);
  device.copy({values, copy_});
  view_ = copy_;
}

}  // namespace lectern
