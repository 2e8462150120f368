// A vision encoder turns the views of a page into one sequence of rows for the decoder: SAM, which all models share,
// then layers of the model's own over SAM's features, then a projector.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/range.h"
#include "device/step_batch.h"
#include "vision/sam.h"
#include "vision/views.h"

namespace lectern {

// A stage of some views, [views, ...], for comparison with another implementation.
struct VisionStage {
  std::string name;  // "sam", "clip"
  Tensor values;
};
using VisionStages = std::vector<VisionStage>;

struct EncodedPage {
  Tensor sequence;  // [rows, hidden]
  VisionStages whole, tiles;
};

// Views after SAM and before the projector.
struct EncodedViews {
  Tensor features;                        // SAM's, f32 [views, g, g, channels]
  Tensor x;                               // f32 [views, rows, width]
  std::unique_ptr<const StepBatch> step;  // positions of x's rows, where layers turn them
};

class VisionEncoder {
 public:
  virtual ~VisionEncoder() = default;
  VisionEncoder(const VisionEncoder&) = delete;
  VisionEncoder& operator=(const VisionEncoder&) = delete;

  // The stages are kept only if asked for.
  EncodedPage encode(const Views& views, bool keep_stages = false) const;

  // The rows that these views become. Throws Error for views of a size that the model does not know.
  virtual int64_t rows_of(const Views& views) const = 0;
  // Joins the features of all views (EncodingTask::take_features) -> [rows_of(views), hidden]. whole and tiles
  // [views, g * g, hidden], or no tiles.
  Tensor joined(const Views& views, const Tensor& whole, const Tensor& tiles) const;
  int64_t hidden() const { return separator_.shape()[0]; }
  // Multiplications and additions for one view of `size` pixels.
  double operations_of_view(int size) const { return sam_.operations_of_view(size) + operations_behind_sam(size); }

 protected:
  explicit VisionEncoder(const WeightLoader& load);

  Device& device() const { return device_; }
  DataType compute_type() const { return compute_type_; }  // type of the values between operators
  const Sam& sam() const { return sam_; }
  const Tensor& separator() const { return separator_; }  // [hidden], the last row of a page

 private:
  friend class EncodingTask;
  virtual int layers() const = 0;  // after SAM
  // Makes x of the features.
  virtual void begin(EncodedViews& views) const = 0;
  // Runs a layer on x. `stages`, if not null, takes what is to be kept of it.
  virtual void run_layer(int index, EncodedViews& views, VisionStages* stages) const = 0;
  // Whether a layer without stages only changes x in place, so that it can be captured.
  virtual bool changes_x_alone(int /*index*/) const { return false; }
  // After the last layer -> out f32 [views, g * g, hidden].
  virtual void project(const EncodedViews& views, const MutableTensorView& out, VisionStages* stages) const = 0;
  // whole and tiles [views, g * g, hidden], or no tiles -> sequence [rows_of(views), hidden].
  virtual void join(const Views& views, const Tensor& whole, const Tensor& tiles,
                    const MutableTensorView& sequence) const = 0;
  virtual double operations_behind_sam(int size) const = 0;

  Device& device_;
  DataType compute_type_;
  Sam sam_;
  Tensor separator_;
};

// The encoder of the checkpoint's model.
std::unique_ptr<const VisionEncoder> make_vision_encoder(const WeightLoader& load);

// Encoding of a page, or of some of its views, one layer at a time, so that other work can be done in between.
class EncodingTask {
 public:
  // The encoder, and the regions if there are any, must outlive it. Where stages are kept, the tiles are worked on
  // together.
  EncodingTask(const VisionEncoder& encoder, std::shared_ptr<const Views> views, bool keep_stages = false,
               CapturedRegions* regions = nullptr);
  // Only of views of this range, not empty, in which the whole page is 0 and tiles follow.
  EncodingTask(const VisionEncoder& encoder, std::shared_ptr<const Views> views, const Range& share,
               CapturedRegions* regions = nullptr);

  // Runs the next layer. The tiles are worked on together, or one by one where `one_by_one` is asked for when the
  // first of them begins, which makes layers shorter. Whether that was the last one.
  bool advance(bool one_by_one);
  EncodedPage take() { return std::move(page_); }
  // Of a share: the whole page [1, g * g, hidden] and tiles [tiles of the share, g * g, hidden], empty where the share
  // has none. They have the bits that the same views have in all.
  struct Features {
    Tensor whole, tiles;
  };
  Features take_features() { return {std::move(whole_), std::move(tiles_)}; }

 private:
  void begin_group(bool one_by_one);
  void run_layer();
  void end_group();
  VisionStages* stages();  // of the group; null where none are kept

  const VisionEncoder* encoder_;
  std::shared_ptr<const Views> views_;
  bool keep_stages_;
  CapturedRegions* regions_;
  size_t first_, end_;  // views that are worked on: the whole page, then the tiles
  size_t begun_;
  bool joins_ = true;     // or leaves what a share became
  size_t group_ = 0;      // of them, that are worked on now
  int layer_ = 0;         // the next of the group: those of SAM, then the encoder's own
  Tensor patches_;        // of the group, within SAM
  EncodedViews behind_;   // of the group, behind SAM
  Tensor whole_, tiles_;  // [views, g * g, hidden]
  EncodedPage page_;
};

}  // namespace lectern
