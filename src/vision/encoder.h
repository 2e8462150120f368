// DeepEncoder: SAM, CLIP and the projector turn the views of a page into one sequence of rows for the decoder.
#pragma once

#include <memory>
#include <vector>

#include "vision/deep_encoder/clip.h"
#include "vision/deep_encoder/sam.h"
#include "vision/views.h"

namespace lectern {

// The stages of one view or one batch of tiles, for comparison with another implementation.
struct VisionStages {
  Tensor sam;   // [views, g, g, channels]
  Tensor clip;  // [views, 1 + g * g, width]
};

struct EncodedPage {
  Tensor sequence;  // [rows, hidden]
  VisionStages whole, tiles;
};

class Encoder {
 public:
  explicit Encoder(const WeightLoader& load);

  // The tiles as one picture row by row, then the whole page row by row, a newline after every row; the view
  // separator last. The stages are kept only if asked for.
  EncodedPage encode(const Views& views, bool keep_stages = false) const;

  // The rows that these views become.
  int64_t rows_of(const Views& views) const;

 private:
  friend class EncodingTask;
  // f32 [views, g, g, hidden] from both stages of them, into `out`.
  void project(const VisionStages& stages, const MutableTensorView& out) const;
  Tensor join(const Views& views, const Tensor& whole, const Tensor& tiles) const;

  Device& device_;
  DataType inner_;  // of the values between operators
  Sam sam_;
  Clip clip_;
  LinearWeights projector_;
  Tensor newline_, separator_;  // [hidden]
};

// A page that is encoded layer by layer, with anything else in between.
class EncodingTask {
 public:
  // The encoder must outlive it. Where stages are kept, the tiles are worked on together.
  EncodingTask(const Encoder& encoder, std::shared_ptr<const Views> views, bool keep_stages = false);

  // Runs the next layer. The tiles are worked on together, or one by one where `one_by_one` is asked for when the
  // first of them begins, which makes layers shorter. Whether that was the last one.
  bool advance(bool one_by_one);
  EncodedPage take() { return std::move(page_); }

 private:
  void begin_group(bool one_by_one);
  void run_layer();
  void end_group();

  const Encoder* encoder_;
  std::shared_ptr<const Views> views_;
  bool keep_stages_;
  size_t begun_ = 0;      // views: the whole page, then the tiles
  size_t group_ = 0;      // of them, that are worked on now
  int layer_ = 0;         // the next of the group: those of SAM, then those of CLIP
  Tensor x_;              // of the group
  VisionStages stages_;   // of the group
  Tensor whole_, tiles_;  // [views, g, g, hidden]
  EncodedPage page_;
};

}  // namespace lectern
