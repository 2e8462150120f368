// Qwen2 as an encoder. A view's picture rows are followed by as many learned queries: a picture row sees all picture
// rows, a query sees them and the queries up to itself. The queries' rows are the result. It runs in parts, as SAM
// does.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "checkpoint/weights.h"
#include "device/step_batch.h"

namespace lectern {

class Qwen2 {
 public:
  Qwen2(const WeightLoader& load, int64_t width);

  int layers() const { return static_cast<int>(layers_.size()); }
  int64_t width() const { return width_; }
  // Whether there are queries for views of so many picture rows.
  bool knows(int64_t rows) const { return queries_.contains(rows); }

  // features f32 [views, g, g, width] -> f32 [views, 2 * g * g, width], the queries behind the picture. There must be
  // queries for g * g rows.
  Tensor embed(const Tensor& features) const;
  // Positions of the rows of such an x, in every view from 0 on.
  std::unique_ptr<const StepBatch> positions(const Shape& x) const;
  // Runs one layer in place.
  void run_layer(int index, const Tensor& x, const StepBatch& positions) const;
  // Runs the last layer, which needs only keys and values of the picture -> the queries' rows, f32 [views, g * g,
  // width].
  Tensor run_last_layer(const Tensor& x, const StepBatch& positions) const;
  Tensor queries_of(const Tensor& rows) const;  // the later half of every view's
  // The final norm of the queries' rows, in the compute type.
  Tensor finish(const Tensor& queries) const;

  // Multiplications and additions for a view of so many picture rows.
  double operations(double rows) const;

 private:
  struct Layer {
    NormWeights input_norm, post_norm;
    LinearWeights q, k, v;
    Weight out;
    ExpertBank mlp;  // one
  };
  // Attention of every row to those that it sees, in the compute type [views, rows, width].
  Tensor attend(const Layer& layer, const Tensor& x, const StepBatch& positions) const;
  // Adds that and the feed-forward block to x.
  void add_blocks(const Layer& layer, const Tensor& attended, const Tensor& x) const;

  Device& device_;
  Qwen2Config config_;
  DataType compute_type_;  // of the values between operators
  int64_t width_;
  std::map<int64_t, Tensor> queries_;  // by their number: [number, width]
  std::vector<Layer> layers_;
  NormWeights norm_;
};

}  // namespace lectern
