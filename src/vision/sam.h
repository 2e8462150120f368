// SAM's image encoder: a ViT with attention in windows and, in a few layers, across the whole view; then a neck and
// two convolutions of stride 2 that leave one token for every 64 x 64 pixels. It runs in parts, so that its caller may
// do something else between two layers.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "checkpoint/weights.h"

namespace lectern {

class Sam {
 public:
  explicit Sam(const WeightLoader& load);

  // views: 8-bit RGB, each [size, size, 3], size a multiple of 64 -> their patches, f32 [views, p, p, width].
  Tensor embed(std::span<const uint8_t* const> views, int size) const;
  // Runs one layer on them, in place.
  void run_layer(int index, const Tensor& x) const;
  // After the last layer -> features, f32 [views, size / 64, size / 64, channels()].
  Tensor finish(const Tensor& x) const;

  int layers() const { return static_cast<int>(blocks_.size()); }
  int64_t channels() const { return channels_; }
  // Along a side of the features of a view of so many pixels.
  int64_t side(int size) const { return halved(halved(size / config_.patch)); }
  // Multiplications and additions for a view of so many pixels, for benchmarks.
  double operations_of_view(int size) const;

 private:
  static int64_t halved(int64_t side) { return (side + 1) / 2; }  // by a convolution
  struct Block {
    NormWeights norm1, norm2;
    LinearWeights qkv, proj, lin1, lin2;
    std::vector<float> relative_height, relative_width;  // [lines, head size], as in the checkpoint
    bool global = false;
  };
  // What depends on the number of patches along a side.
  struct Positions {
    Tensor embedding;                     // [patches, patches, width]
    std::vector<Tensor> heights, widths;  // of every block: [2 * extent - 1, head size]
  };
  const Positions& positions(int64_t patches) const;
  Tensor convolve(const Tensor& x, const Weight& weight, int kernel, int stride) const;

  Device& device_;
  SamConfig config_;
  DataType compute_type_;  // of the values between operators
  int64_t channels_ = 0;
  LinearWeights patch_;
  std::vector<float> position_embedding_;  // [grid, grid, width]
  int64_t grid_ = 0;
  std::vector<Block> blocks_;
  Weight neck0_, neck2_, down2_, down3_;
  NormWeights neck1_, neck3_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, Positions> positions_;
};

}  // namespace lectern
