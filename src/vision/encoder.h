// DeepEncoder: SAM, CLIP and the projector turn the views of a page into one sequence of rows for the decoder.
#pragma once

#include <stop_token>

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
  // separator last. The stages are kept only if asked for. Throws Stopped between two layers when asked to stop.
  EncodedPage encode(const Views& views, bool keep_stages = false, const std::stop_token& stop = {}) const;

 private:
  // -> [views, g, g, hidden]
  Tensor project(std::span<const uint8_t* const> views, int size, VisionStages* stages,
                 const std::stop_token& stop) const;

  Device& device_;
  DataType inner_;  // of the values between operators
  Sam sam_;
  Clip clip_;
  LinearWeights projector_;
  Tensor newline_, separator_;  // [hidden]
};

}  // namespace lectern
