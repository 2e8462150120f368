#include "vision/encoder.h"

#include <fmt/format.h>

#include "lectern/error.h"

namespace lectern {

Encoder::Encoder(const WeightLoader& load)
    : device_(load.device()), inner_(device_.precision(load.format()).encoder), sam_(load), clip_(load) {
  const int64_t hidden = load.checkpoint().config().decoder.hidden;
  if (sam_.channels() != clip_.width()) {
    throw Error(fmt::format("{}: SAM gives {} channels and CLIP takes {}; they must be equal",
                            load.checkpoint().folder().string(), sam_.channels(), clip_.width()));
  }
  projector_ = load.linear("model.projector.layers", hidden, clip_.width() + sam_.channels());
  newline_ = load.vector("model.image_newline", {hidden});
  separator_ = load.vector("model.view_seperator", {hidden});  // spelled so in the published checkpoint
}

Tensor Encoder::project(std::span<const uint8_t* const> views, int size, VisionStages* stages,
                        const std::stop_token& stop) const {
  Tensor sam = sam_.encode(views, size, stop);
  Tensor clip = clip_.encode(sam, stop);
  const auto batch = static_cast<int64_t>(views.size());
  const int64_t grid = sam.shape()[1];
  const int64_t places = grid * grid;
  const int64_t width = clip_.width();
  const int64_t channels = sam_.channels();
  const Tensor both(device_, inner_, {batch, places, width + channels});
  for (int64_t view = 0; view < batch; ++view) {
    const int64_t row = width + channels;
    const int64_t first = view * places * row;
    device_.copy({clip.view().at((view * (1 + places) + 1) * width, {places, width}), width,
                  both.view().at(first, {places, width}), row});
    device_.copy({sam.view().at(view * places * channels, {places, channels}), channels,
                  both.view().at(first + width, {places, channels}), row});
  }
  Tensor projected(device_, DataType::f32, {batch, grid, grid, projector_.weight.out()});
  device_.linear({.in = both, .weight = projector_.weight, .bias = projector_.bias, .out = projected});
  if (stages != nullptr) *stages = {std::move(sam), std::move(clip)};
  return projected;
}

EncodedPage Encoder::encode(const Views& views, bool keep_stages, const std::stop_token& stop) const {
  EncodedPage page;
  const uint8_t* const whole_view = views.whole.rgb.data();
  const Tensor whole = project({&whole_view, 1}, views.whole.width, keep_stages ? &page.whole : nullptr, stop);
  Tensor tiles;
  if (!views.tiles.empty()) {
    std::vector<const uint8_t*> pixels;
    for (const Picture& tile : views.tiles) pixels.push_back(tile.rgb.data());
    tiles = project(pixels, views.tiles.front().width, keep_stages ? &page.tiles : nullptr, stop);
  }
  const int64_t hidden = whole.shape()[-1];
  const int64_t side = whole.shape()[1];
  const int64_t tile_side = tiles ? tiles.shape()[1] : 0;
  const int64_t length = (tiles ? views.rows * tile_side * (views.columns * tile_side + 1) : 0) + side * (side + 1) + 1;
  page.sequence = Tensor(device_, DataType::f32, {length, hidden});
  int64_t filled = 0;
  const auto append = [&](const TensorView& from, int64_t first, int64_t rows) {
    device_.copy({from.at(first * hidden, {rows, hidden}), hidden, page.sequence.view().slice(filled, rows), hidden});
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
  append(separator_, 0, 1);
  return page;
}

}  // namespace lectern
