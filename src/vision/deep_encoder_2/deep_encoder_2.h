// DeepEncoder V2, of DeepSeek-OCR-2: Qwen2 with learned queries over SAM's features; the queries' rows go through the
// projector.
#pragma once

#include "vision/deep_encoder_2/qwen2.h"
#include "vision/encoder.h"

namespace lectern {

class DeepEncoder2 final : public VisionEncoder {
 public:
  explicit DeepEncoder2(const WeightLoader& load);

  // Tile after tile, the whole page, and the view separator.
  int64_t rows_of(const Views& views) const override;

 private:
  int layers() const override { return qwen2_.layers(); }
  void begin(EncodedViews& views) const override;
  void run_layer(int index, EncodedViews& views, VisionStages* stages) const override;
  // In the first a device makes its tables of the positions, which stay; the last makes another x.
  bool changes_x_alone(int index) const override { return index > 0 && index + 1 < layers(); }
  void project(const EncodedViews& views, const MutableTensorView& out, VisionStages* stages) const override;
  void join(const Views& views, const Tensor& whole, const Tensor& tiles,
            const MutableTensorView& sequence) const override;
  double operations_behind_sam(int size) const override;
  int64_t places(int size) const;  // of a view of so many pixels

  Qwen2 qwen2_;
  LinearWeights projector_;
};

}  // namespace lectern
