// One run of one operator: its inputs, weights and caches, and what comes of it.
#pragma once

#include <deque>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "device/device.h"

namespace lectern {

// One run of one operator on one device. Inputs come from a fixed seed.
class OperatorTrial {
 public:
  // What the operator is called for, beside being called at all: once for its result, then again for the time.
  enum class Wants { nothing, result, time };
  // `type` is the compute type.
  OperatorTrial(Device& device, DataType type, Wants wants) : device_(device), type_(type), wants_(wants) {}

  Device& device() { return device_; }
  DataType type() const { return type_; }

  std::vector<float> host(int64_t count);
  Tensor floats(const Shape& shape) { return upload(host(shape.elements()), shape); }
  Tensor values(const Shape& shape) { return values(host(shape.elements()), shape); }
  Tensor values(const std::vector<float>& values, const Shape& shape);
  Tensor indices(const std::vector<int32_t>& values);
  Tensor upload(const std::vector<float>& values, const Shape& shape);
  Tensor empty(const Shape& shape) { return {device_, type_, shape}; }
  Tensor empty_floats(const Shape& shape) { return {device_, DataType::f32, shape}; }
  WeightFormat weights() const;
  Weight weight(int64_t out, int64_t in) { return weight(out, in, weights()); }
  Weight weight(int64_t out, int64_t in, WeightFormat format);

  // Experts of one shape.
  ExpertBank experts(int64_t count, int64_t width, int64_t inner);

  void run(const TensorView& out, const std::function<void()>& call);

  std::vector<float> result;  // of the first call
  double seconds = 0;         // of a later call

 private:
  Device& device_;
  DataType type_;
  Wants wants_;
  std::minstd_rand random_{1};
  std::deque<std::vector<float>> weights_;
};

// A cache with pages for some sequences of at most so many positions, the pages in falling order.
struct TrialCache {
  TrialCache(OperatorTrial& trial, int64_t sequences, int64_t positions, int kv_heads, int head_size);
  std::span<const int32_t> pages_of(int64_t sequence) const;

  CacheFormat format;
  int64_t pages_each;
  Tensor memory;
  CacheLayer layer;
  std::vector<int32_t> pages;
};

// Runs `sample` for the rows that the step wants; the result are their log-probabilities.
void run_sample(OperatorTrial& trial, const TensorView& x, const TensorView& norm, const Weight& head,
                const StepBatch& step);

}  // namespace lectern
