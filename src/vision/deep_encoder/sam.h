// SAM's image encoder: a ViT with attention in windows and, in a few layers, across the whole view; then a neck and
// two convolutions of stride 2 that leave one token for every 64 x 64 pixels.
#pragma once

#include <map>
#include <mutex>
#include <stop_token>
#include <vector>

#include "checkpoint/weights.h"

namespace lectern {

class Sam {
 public:
  explicit Sam(const WeightLoader& load);

  // views: 8-bit RGB, each [size, size, 3], size a multiple of 64 -> f32 [views, size / 64, size / 64, channels()].
  Tensor encode(std::span<const uint8_t* const> views, int size, const std::stop_token& stop) const;
  int64_t channels() const { return channels_; }

 private:
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
  void run_block(size_t index, const Positions& positions, const Tensor& x) const;
  Tensor convolve(const Tensor& x, const Matrix& weight, int kernel, int stride) const;

  Device& device_;
  SamConfig config_;
  DataType inner_;  // of the values between operators
  int64_t channels_ = 0;
  LinearWeights patch_;
  std::vector<float> position_embedding_;  // [grid, grid, width]
  int64_t grid_ = 0;
  std::vector<Block> blocks_;
  Matrix neck0_, neck2_, down2_, down3_;
  NormWeights neck1_, neck3_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, Positions> positions_;
};

}  // namespace lectern
