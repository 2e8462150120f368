#include "vision/encoder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "vision/deep_encoder/deep_encoder.h"
#include "vision/deep_encoder_2/deep_encoder_2.h"

namespace lectern {

VisionEncoder::VisionEncoder(const WeightLoader& load)
    : device_(load.device()),
      compute_type_(device_.compute_types(load.format()).encoder),
      sam_(load),
      separator_(load.vector("model.view_seperator", {load.checkpoint().config().decoder.hidden})) {}  // their spelling

EncodedPage VisionEncoder::encode(const Views& views, bool keep_stages) const {
  EncodingTask task(*this, {std::shared_ptr<void>(), &views}, keep_stages);
  while (!task.advance(false)) {
  }
  return task.take();
}

Tensor VisionEncoder::joined(const Views& views, const Tensor& whole, const Tensor& tiles) const {
  Tensor sequence(device_, DataType::f32, {rows_of(views), hidden()});
  join(views, whole, tiles, sequence);
  return sequence;
}

std::unique_ptr<const VisionEncoder> make_vision_encoder(const WeightLoader& load) {
  if (load.checkpoint().config().qwen2) return std::make_unique<DeepEncoder2>(load);
  return std::make_unique<DeepEncoder>(load);
}

EncodingTask::EncodingTask(const VisionEncoder& encoder, std::shared_ptr<const Views> views, bool keep_stages,
                           CapturedRegions* regions)
    : encoder_(&encoder),
      views_(std::move(views)),
      keep_stages_(keep_stages),
      regions_(regions),
      first_(0),
      end_(views_->tiles.size() + 1),
      begun_(0) {}

EncodingTask::EncodingTask(const VisionEncoder& encoder, std::shared_ptr<const Views> views, const Range& share,
                           CapturedRegions* regions)
    : EncodingTask(encoder, std::move(views), false, regions) {
  first_ = begun_ = static_cast<size_t>(share.first);
  end_ = static_cast<size_t>(share.end());
  joins_ = false;
}

VisionStages* EncodingTask::stages() {
  if (!keep_stages_) return nullptr;
  return begun_ == 0 ? &page_.whole : &page_.tiles;
}

void EncodingTask::begin_group(bool one_by_one) {
  const bool whole = begun_ == 0;
  if (begun_ == first_) encoder_->rows_of(*views_);  // refuses a size before the work begins
  group_ = whole || (one_by_one && !keep_stages_) ? 1 : end_ - begun_;
  std::vector<const uint8_t*> pixels;
  for (size_t i = begun_; i < begun_ + group_; ++i) {
    pixels.push_back(i == 0 ? views_->whole.rgb.data() : views_->tiles[i - 1].rgb.data());
  }
  patches_ = encoder_->sam_.embed(pixels, whole ? views_->whole.width : views_->tiles.front().width);
  layer_ = 0;
}

void EncodingTask::run_layer() {
  const Sam& sam = encoder_->sam_;
  if (layer_ < sam.layers()) {
    const TensorView x = patches_;
    run_region(regions_, layer_, {&x, 1}, [&] { sam.run_layer(layer_, patches_); });
    ++layer_;
    return;
  }
  if (layer_ == sam.layers()) {
    behind_.features = sam.finish(std::exchange(patches_, {}));
    encoder_->begin(behind_);
  }
  const int index = layer_ - sam.layers();
  std::vector<TensorView> operands = {behind_.x};
  if (behind_.step) std::ranges::copy(behind_.step->operands(), std::back_inserter(operands));
  run_region(encoder_->changes_x_alone(index) && !keep_stages_ ? regions_ : nullptr, layer_, operands,
             [&] { encoder_->run_layer(index, behind_, stages()); });
  ++layer_;
}

void EncodingTask::end_group() {
  const int64_t side = behind_.features.shape()[1];
  const auto room = [&](size_t count) {
    return Tensor(encoder_->device_, DataType::f32, {static_cast<int64_t>(count), side * side, encoder_->hidden()});
  };
  if (begun_ == 0) {
    whole_ = room(1);
    encoder_->project(behind_, whole_, stages());
  } else {
    const size_t first_tile = std::max<size_t>(first_, 1);
    if (!tiles_) tiles_ = room(end_ - first_tile);
    const auto first = static_cast<int64_t>(begun_ - first_tile);
    encoder_->project(behind_, tiles_.view().slice(first, static_cast<int64_t>(group_)), stages());
  }
  if (keep_stages_) stages()->insert(stages()->begin(), VisionStage{"sam", std::move(behind_.features)});
  behind_ = {};
  begun_ += std::exchange(group_, 0);
}

bool EncodingTask::advance(bool one_by_one) {
  if (group_ == 0) begin_group(one_by_one);
  run_layer();
  if (layer_ < encoder_->sam_.layers() + encoder_->layers()) return false;
  end_group();
  if (begun_ < end_) return false;
  if (joins_) {
    page_.sequence = encoder_->joined(*views_, whole_, tiles_);
    whole_ = {};
    tiles_ = {};
  }
  views_.reset();
  return true;
}

}  // namespace lectern
