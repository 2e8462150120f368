// DeepEncoder, of DeepSeek-OCR and Unlimited-OCR: CLIP over SAM's features, and both of them side by side through the
// projector.
#pragma once

#include "vision/deep_encoder/clip.h"
#include "vision/encoder.h"

namespace lectern {

class DeepEncoder final : public VisionEncoder {
 public:
  explicit DeepEncoder(const WeightLoader& load);

  // The tiles as one picture row by row, then the whole page row by row, a newline after every row; the view
  // separator last.
  int64_t rows_of(const Views& views) const override;

 private:
  int layers() const override { return clip_.layers(); }
  void begin(EncodedViews& views) const override { views.x = clip_.embed(views.features); }
  void run_layer(int index, EncodedViews& views, VisionStages* stages) const override;
  bool changes_x_alone(int /*index*/) const override { return true; }
  void project(const EncodedViews& views, const MutableTensorView& out, VisionStages* stages) const override;
  void join(const Views& views, const Tensor& whole, const Tensor& tiles,
            const MutableTensorView& sequence) const override;
  double operations_behind_sam(int size) const override;

  Clip clip_;
  LinearWeights projector_;
  Tensor newline_;  // [hidden]
};

}  // namespace lectern
