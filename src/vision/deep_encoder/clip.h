// CLIP's vision transformer; SAM's features stand in for its patch embeddings. It runs in parts, as SAM does.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "checkpoint/weights.h"

namespace lectern {

class Clip {
 public:
  explicit Clip(const WeightLoader& load);

  // features f32 [views, g, g, width] -> f32 [views, 1 + g * g, width], the class token first.
  Tensor embed(const Tensor& features) const;
  // Runs one layer on them, in place.
  void run_layer(int index, const Tensor& x) const;

  int layers() const { return static_cast<int>(layers_.size()); }
  int64_t width() const { return config_.width; }
  // Multiplications and additions for a view of so many tokens, for benchmarks.
  double operations(double tokens) const;

 private:
  struct Layer {
    NormWeights norm1, norm2;
    LinearWeights qkv, out, fc1, fc2;
  };
  const Tensor& positions(int64_t grid) const;  // [1 + grid * grid, width], the class embedding added

  Device& device_;
  ClipConfig config_;
  DataType compute_type_;                  // of the values between operators
  std::vector<float> class_embedding_;     // [width]
  std::vector<float> position_embedding_;  // [1 + side_ * side_, width]
  int64_t side_ = 0;
  NormWeights pre_norm_;
  std::vector<Layer> layers_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, Tensor> positions_;
};

}  // namespace lectern
