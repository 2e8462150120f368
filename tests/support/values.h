// Random tensors from a fixed seed, and the comparison of results with plain loops in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "device/cpu/cpu_device.h"

namespace lectern::testing {

// The same values with every standard library.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int64_t between(int64_t first, int64_t last) { return first + static_cast<int64_t>(engine_()) % (last - first + 1); }
  bool coin() { return between(0, 1) == 1; }
  float value() { return static_cast<float>(engine_() >> 8) * 0x1p-23f - 1.0f; }  // -1 .. 1
  uint32_t bits() { return engine_(); }
  std::vector<float> values(int64_t count, float scale = 1) {
    std::vector<float> all(static_cast<size_t>(count));
    for (float& x : all) x = value() * scale;
    return all;
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<size_t>(between(0, static_cast<int64_t>(i) - 1))]);
  }

 private:
  std::mt19937 engine_;
};

// An empty vector is an empty view.
inline TensorView view_of(const std::vector<float>& values, const Shape& shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), DataType::f32, shape};
}
inline MutableTensorView view_of(std::vector<float>& values, const Shape& shape) {
  return {reinterpret_cast<std::byte*>(values.data()), DataType::f32, shape};
}

// The elements of a view that may be misaligned, e.g. in a mapped file.
template <typename T>
std::vector<T> copy_of(const TensorView& view) {
  std::vector<T> all(view.bytes() / sizeof(T));
  if (!all.empty()) std::memcpy(all.data(), view.data, view.bytes());
  return all;
}

// A random weight [out, in] of any type, prepared by the cpu device, and its values.
struct RandomWeight {
  RandomWeight(Random& random, DataType type, int64_t out, int64_t in, float scale = 1)
      : bytes(static_cast<size_t>(out * in) * size_of(type)), values(static_cast<size_t>(out * in)) {
    for (size_t i = 0; i < values.size(); ++i) {
      const float x = random.value() * scale;
      uint16_t half = f32_to_bf16(x);
      switch (type) {
        case DataType::bf16: values[i] = bf16_to_f32(half); break;
        case DataType::f16:  // 2^-7 .. 2, either sign
          half = static_cast<uint16_t>((random.bits() & 0x83ffu) | static_cast<uint32_t>(random.between(8, 15) << 10));
          values[i] = f16_to_f32(half);
          break;
        default: values[i] = x; break;
      }
      if (type == DataType::f32) {
        std::memcpy(bytes.data() + i * 4, &x, 4);
      } else {
        std::memcpy(bytes.data() + i * 2, &half, 2);
      }
    }
    matrix = cpu_device().make_weight({bytes.data(), type, {out, in}}, WeightFormat::f32);
  }
  RandomWeight(RandomWeight&&) = default;

  // Row n times x.
  double times(int64_t n, const float* x) const {
    double sum = 0;
    for (int64_t k = 0; k < matrix.in(); ++k)
      sum += static_cast<double>(values[static_cast<size_t>(n * matrix.in() + k)]) * x[k];
    return sum;
  }

  std::vector<std::byte> bytes;
  std::vector<float> values;
  Weight matrix;
};

inline double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::silu: return x / (1 + std::exp(-x));
  }
  return 0;
}

// softmax(scores) in place
inline void softmax(std::vector<double>& scores) {
  const double peak = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - peak);
  for (double& score : scores) score /= total;
}

// The largest difference over the largest value; infinite where something is not a number or sizes differ.
template <typename Got, typename Expected>
double relative_error(const Got& got, const Expected& expected) {
  if (got.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (!std::isfinite(d)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

}  // namespace lectern::testing
