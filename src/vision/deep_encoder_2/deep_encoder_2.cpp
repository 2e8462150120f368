#include "vision/deep_encoder_2/deep_encoder_2.h"

#include <fmt/format.h>

#include <utility>

#include "lectern/error.h"

namespace lectern {

DeepEncoder2::DeepEncoder2(const WeightLoader& load) : VisionEncoder(load), qwen2_(load, sam().channels()) {
  projector_ = load.linear("model.projector.layers", load.checkpoint().config().decoder.hidden, qwen2_.width());
}

int64_t DeepEncoder2::places(int size) const {
  const int64_t side = sam().side(size);
  if (!qwen2_.knows(side * side)) {
    throw Error(fmt::format("a view of {} pixels: the model has no queries for its {} places; choose a `mode` whose "
                            "views have 768 or 1024 pixels",
                            size, side * side),
                ErrorCode::unsupported);
  }
  return side * side;
}

int64_t DeepEncoder2::rows_of(const Views& views) const {
  const auto tiles = static_cast<int64_t>(views.tiles.size());
  return (tiles > 0 ? tiles * places(views.tiles.front().width) : 0) + places(views.whole.width) + 1;
}

void DeepEncoder2::begin(EncodedViews& views) const {
  views.x = qwen2_.embed(views.features);
  views.step = qwen2_.positions(views.x.shape());
}

void DeepEncoder2::run_layer(int index, EncodedViews& views, VisionStages* stages) const {
  const int done = index + 1;
  const bool kept = stages != nullptr && (done == 1 || done == layers() / 2);
  if (done == layers() && !kept) {
    views.x = qwen2_.run_last_layer(views.x, *views.step);
    return;
  }
  qwen2_.run_layer(index, views.x, *views.step);
  if (!kept) return;
  const int64_t batch = views.x.shape()[0];
  const int64_t rows = views.x.shape()[1] / 2;
  const int64_t width = qwen2_.width();
  for (const bool queries : {false, true}) {
    Tensor stage(device(), DataType::f32, {batch, rows, width});
    device().copy(
        {StridedView(views.x, queries ? rows * width : 0, stage.shape(), {2 * rows * width, width, 1}), stage});
    stages->push_back({fmt::format("{}_{}", queries ? "queries" : "picture", done), std::move(stage)});
  }
  if (done == layers()) views.x = qwen2_.queries_of(views.x);
}

void DeepEncoder2::project(const EncodedViews& views, const MutableTensorView& out, VisionStages* stages) const {
  const Tensor normed = qwen2_.finish(views.x);
  device().linear({.in = normed, .weight = projector_.weight, .bias = projector_.bias, .out = out});
  if (stages == nullptr) return;
  Tensor kept(device(), DataType::f32, normed.shape());
  device().copy({normed, kept});
  stages->push_back({"qwen2", std::move(kept)});
}

void DeepEncoder2::join(const Views&, const Tensor& whole, const Tensor& tiles,
                        const MutableTensorView& sequence) const {
  int64_t filled = 0;
  const auto append = [&](const TensorView& rows) {
    const int64_t count = rows.shape.rows();
    device().copy({rows.reshaped({count, sequence.shape[1]}), sequence.slice(filled, count)});
    filled += count;
  };
  if (tiles) append(tiles);
  append(whole);
  append(separator());
}

double DeepEncoder2::operations_behind_sam(int size) const {
  const auto rows = static_cast<double>(places(size));
  return qwen2_.operations(rows) + 2 * rows * static_cast<double>(projector_.weight.out() * projector_.weight.in());
}

}  // namespace lectern
