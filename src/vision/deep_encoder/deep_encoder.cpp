#include "vision/deep_encoder/deep_encoder.h"

#include <fmt/format.h>

#include "lectern/error.h"

namespace lectern {

DeepEncoder::DeepEncoder(const WeightLoader& load) : VisionEncoder(load), clip_(load) {
  const int64_t hidden = load.checkpoint().config().decoder.hidden;
  if (sam().channels() != clip_.width()) {
    throw Error(fmt::format("{}: SAM gives {} channels and CLIP takes {}; they must be equal",
                            load.checkpoint().folder().string(), sam().channels(), clip_.width()),
                ErrorCode::corrupt_input);
  }
  projector_ = load.linear("model.projector.layers", hidden, clip_.width() + sam().channels());
  newline_ = load.vector("model.image_newline", {hidden});
}

int64_t DeepEncoder::rows_of(const Views& views) const {
  const int64_t side = sam().side(views.whole.width);
  const int64_t tile_side = views.tiles.empty() ? 0 : sam().side(views.tiles.front().width);
  return views.rows * tile_side * (views.columns * tile_side + 1) + side * (side + 1) + 1;
}

void DeepEncoder::run_layer(int index, EncodedViews& views, VisionStages* stages) const {
  clip_.run_layer(index, views.x);
  if (stages == nullptr || index + 1 < clip_.layers()) return;
  Tensor kept(device(), DataType::f32, views.x.shape());
  device().copy({views.x, kept});
  stages->push_back({"clip", std::move(kept)});
}

void DeepEncoder::project(const EncodedViews& views, const MutableTensorView& out, VisionStages*) const {
  const int64_t batch = views.features.shape()[0];
  const int64_t places = out.shape[1];
  const int64_t width = clip_.width();
  const int64_t channels = sam().channels();
  const int64_t row = width + channels;
  const Tensor both(device(), compute_type(), {batch, places, row});
  const Shape seen = {batch, places, width};
  device().copy({StridedView(views.x, width, seen, {(1 + places) * width, width, 1}),
                 MutableStridedView(both, 0, seen, {places * row, row, 1})});
  device().copy({views.features.view().reshaped({batch * places, channels}),
                 MutableStridedView(both, width, {batch * places, channels}, {row, 1})});
  device().linear({.in = both, .weight = projector_.weight, .bias = projector_.bias, .out = out});
}

void DeepEncoder::join(const Views& views, const Tensor& whole, const Tensor& tiles,
                       const MutableTensorView& sequence) const {
  const int64_t hidden = sequence.shape[1];
  const int64_t side = sam().side(views.whole.width);
  const int64_t tile_side = tiles ? sam().side(views.tiles.front().width) : 0;
  int64_t first = 0;  // row of the sequence
  // Pictures of [side, side, hidden] in rows and columns, line by line, a newline behind every line.
  const auto append = [&](const Tensor& pictures, int64_t rows, int64_t columns, int64_t extent) {
    const int64_t lines = rows * extent;
    const int64_t line = (columns * extent + 1) * hidden;
    const int64_t picture = extent * extent * hidden;
    const Shape shape = {rows, extent, columns, extent * hidden};
    device().copy({StridedView(pictures, 0, shape, {columns * picture, extent * hidden, picture, 1}),
                   MutableStridedView(sequence, first * hidden, shape, {extent * line, line, extent * hidden, 1})});
    const Shape ends = {lines, hidden};
    device().copy({StridedView(newline_, 0, ends, {0, 1}),
                   MutableStridedView(sequence, first * hidden + line - hidden, ends, {line, 1})});
    first += lines * line / hidden;
  };
  if (tiles) append(tiles, views.rows, views.columns, tile_side);
  append(whole, 1, 1, side);
  device().copy({separator().view(), sequence.slice(first, 1).reshaped({hidden})});
}

double DeepEncoder::operations_behind_sam(int size) const {
  const auto side = static_cast<double>(sam().side(size));
  const double tokens = side * side + 1;
  return clip_.operations(tokens) + 2 * tokens * static_cast<double>(projector_.weight.out() * projector_.weight.in());
}

}  // namespace lectern
