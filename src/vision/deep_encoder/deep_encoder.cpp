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
  const Tensor both(device(), inner(), {batch, places, row});
  for (int64_t view = 0; view < batch; ++view) {
    const int64_t first = view * places * row;
    device().copy({views.x.view().at((view * (1 + places) + 1) * width, {places, width}),
                   MutableStridedView(both, first, {places, width}, {row, 1})});
    device().copy({views.features.view().at(view * places * channels, {places, channels}),
                   MutableStridedView(both, first + width, {places, channels}, {row, 1})});
  }
  device().linear({.in = both, .weight = projector_.weight, .bias = projector_.bias, .out = out});
}

void DeepEncoder::join(const Views& views, const Tensor& whole, const Tensor& tiles,
                       const MutableTensorView& sequence) const {
  const int64_t hidden = sequence.shape[1];
  const int64_t side = sam().side(views.whole.width);
  const int64_t tile_side = tiles ? sam().side(views.tiles.front().width) : 0;
  int64_t filled = 0;
  const auto append = [&](const TensorView& from, int64_t first, int64_t rows) {
    device().copy({from.at(first * hidden, {rows, hidden}), sequence.slice(filled, rows)});
    filled += rows;
  };
  for (int64_t line = 0; line < views.rows * tile_side; ++line) {
    for (int64_t column = 0; column < views.columns; ++column) {
      const int64_t tile = line / tile_side * views.columns + column;
      append(tiles, (tile * tile_side + line % tile_side) * tile_side, tile_side);
    }
    append(newline_, 0, 1);
  }
  for (int64_t line = 0; line < side; ++line) {
    append(whole, line * side, side);
    append(newline_, 0, 1);
  }
  append(separator(), 0, 1);
}

double DeepEncoder::operations_behind_sam(int size) const {
  const auto side = static_cast<double>(sam().side(size));
  const double tokens = side * side + 1;
  return clip_.operations(tokens) + 2 * tokens * static_cast<double>(projector_.weight.out() * projector_.weight.in());
}

}  // namespace lectern
