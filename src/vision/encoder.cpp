#include "vision/encoder.h"

#include <fmt/format.h>

#include <utility>

#include "lectern/error.h"

namespace lectern {

Encoder::Encoder(const WeightLoader& load)
    : device_(load.device()), inner_(device_.precision(load.format()).encoder), sam_(load), clip_(load) {
  const int64_t hidden = load.checkpoint().config().decoder.hidden;
  if (sam_.channels() != clip_.width()) {
    throw Error(fmt::format("{}: SAM gives {} channels and CLIP takes {}; they must be equal",
                            load.checkpoint().folder().string(), sam_.channels(), clip_.width()),
                ErrorCode::corrupt_input);
  }
  projector_ = load.linear("model.projector.layers", hidden, clip_.width() + sam_.channels());
  newline_ = load.vector("model.image_newline", {hidden});
  separator_ = load.vector("model.view_seperator", {hidden});  // spelled so in the published checkpoint
}

void Encoder::project(const VisionStages& stages, const MutableTensorView& out) const {
  const int64_t batch = stages.sam.shape()[0];
  const int64_t grid = stages.sam.shape()[1];
  const int64_t places = grid * grid;
  const int64_t width = clip_.width();
  const int64_t channels = sam_.channels();
  const Tensor both(device_, inner_, {batch, places, width + channels});
  for (int64_t view = 0; view < batch; ++view) {
    const int64_t row = width + channels;
    const int64_t first = view * places * row;
    device_.copy({stages.clip.view().at((view * (1 + places) + 1) * width, {places, width}),
                  MutableStridedView(both, first, {places, width}, {row, 1})});
    device_.copy({stages.sam.view().at(view * places * channels, {places, channels}),
                  MutableStridedView(both, first + width, {places, channels}, {row, 1})});
  }
  device_.linear({.in = both, .weight = projector_.weight, .bias = projector_.bias, .out = out});
}

int64_t Encoder::rows_of(const Views& views) const {
  const int64_t side = sam_.side(views.whole.width);
  const int64_t tile_side = views.tiles.empty() ? 0 : sam_.side(views.tiles.front().width);
  return views.rows * tile_side * (views.columns * tile_side + 1) + side * (side + 1) + 1;
}

Tensor Encoder::join(const Views& views, const Tensor& whole, const Tensor& tiles) const {
  const int64_t hidden = whole.shape()[-1];
  const int64_t side = whole.shape()[1];
  const int64_t tile_side = tiles ? tiles.shape()[1] : 0;
  Tensor sequence(device_, DataType::f32, {rows_of(views), hidden});
  int64_t filled = 0;
  const auto append = [&](const TensorView& from, int64_t first, int64_t rows) {
    device_.copy({from.at(first * hidden, {rows, hidden}), sequence.view().slice(filled, rows)});
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
  return sequence;
}

EncodedPage Encoder::encode(const Views& views, bool keep_stages) const {
  EncodingTask task(*this, {std::shared_ptr<void>(), &views}, keep_stages);
  while (!task.advance(false)) {
  }
  return task.take();
}

EncodingTask::EncodingTask(const Encoder& encoder, std::shared_ptr<const Views> views, bool keep_stages)
    : encoder_(&encoder), views_(std::move(views)), keep_stages_(keep_stages) {}

void EncodingTask::begin_group(bool one_by_one) {
  const bool whole = begun_ == 0;
  group_ = whole || (one_by_one && !keep_stages_) ? 1 : views_->tiles.size() + 1 - begun_;
  std::vector<const uint8_t*> pixels;
  for (size_t i = begun_; i < begun_ + group_; ++i) {
    pixels.push_back(i == 0 ? views_->whole.rgb.data() : views_->tiles[i - 1].rgb.data());
  }
  x_ = encoder_->sam_.embed(pixels, whole ? views_->whole.width : views_->tiles.front().width);
  layer_ = 0;
}

void EncodingTask::run_layer() {
  const Sam& sam = encoder_->sam_;
  const Clip& clip = encoder_->clip_;
  if (layer_ < sam.layers()) return sam.run_layer(layer_++, x_);
  if (layer_ == sam.layers()) {
    stages_.sam = sam.finish(x_);
    x_ = clip.embed(stages_.sam);
  }
  clip.run_layer(layer_++ - sam.layers(), x_);
}

void EncodingTask::end_group() {
  stages_.clip = std::exchange(x_, {});
  const int64_t side = stages_.sam.shape()[1];
  const int64_t hidden = encoder_->projector_.weight.out();
  const auto views = [&](size_t count) {
    return Tensor(encoder_->device_, DataType::f32, {static_cast<int64_t>(count), side, side, hidden});
  };
  if (begun_ == 0) {
    whole_ = views(1);
    encoder_->project(stages_, whole_);
  } else {
    if (!tiles_) tiles_ = views(views_->tiles.size());
    encoder_->project(stages_, tiles_.view().slice(static_cast<int64_t>(begun_ - 1), static_cast<int64_t>(group_)));
  }
  if (keep_stages_) (begun_ == 0 ? page_.whole : page_.tiles) = std::move(stages_);
  stages_ = {};
  begun_ += std::exchange(group_, 0);
}

bool EncodingTask::advance(bool one_by_one) {
  if (group_ == 0) begin_group(one_by_one);
  run_layer();
  if (layer_ < encoder_->sam_.layers() + encoder_->clip_.layers()) return false;
  end_group();
  if (begun_ <= views_->tiles.size()) return false;
  page_.sequence = encoder_->join(*views_, whole_, tiles_);
  whole_ = {};
  tiles_ = {};
  views_.reset();
  return true;
}

}  // namespace lectern
