#include "vision/deep_encoder/clip.h"

#include <fmt/format.h>

#include <cmath>

#include "device/host_values.h"
#include "lectern/error.h"
#include "vision/interpolate.h"

namespace lectern {
namespace {

constexpr float norm_epsilon = 1e-5f;

}  // namespace

Clip::Clip(const WeightLoader& load)
    : device_(load.device()),
      config_(load.checkpoint().config().clip),
      compute_type_(device_.compute_types(load.format()).encoder) {
  const std::string prefix = "model.vision_model.";
  const int64_t width = config_.width;
  class_embedding_ = load.values(prefix + "embeddings.class_embedding", {width});
  const std::string table = prefix + "embeddings.position_embedding.weight";
  const int64_t places = load.extent(table, 2, 0);
  side_ = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(places - 1))));
  if (places < 2 || side_ * side_ != places - 1) {
    throw Error(fmt::format("{}: tensor {} has {} rows, expected one more than a square",
                            load.checkpoint().folder().string(), table, places),
                ErrorCode::corrupt_input);
  }
  position_embedding_ = load.values(table, {places, width});
  pre_norm_ = load.layer_norm(prefix + "pre_layrnorm", width);
  for (int i = 0; i < config_.layers; ++i) {
    const std::string b = fmt::format("{}transformer.layers.{}.", prefix, i);
    const int64_t inner = load.extent(b + "mlp.fc1.weight", 2, 0);
    layers_.push_back({.norm1 = load.layer_norm(b + "layer_norm1", width),
                       .norm2 = load.layer_norm(b + "layer_norm2", width),
                       .qkv = load.linear(b + "self_attn.qkv_proj", 3 * width, width),
                       .out = load.linear(b + "self_attn.out_proj", width, width),
                       .fc1 = load.linear(b + "mlp.fc1", inner, width),
                       .fc2 = load.linear(b + "mlp.fc2", width, inner)});
  }
}

const Tensor& Clip::positions(int64_t grid) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = positions_.find(grid); found != positions_.end()) return found->second;
  const int64_t width = config_.width;
  const std::vector<float> resized = resize_grid(position_embedding_.data() + width, side_, grid, width);
  std::vector<float> all(position_embedding_.begin(), position_embedding_.begin() + width);
  for (size_t i = 0; i < all.size(); ++i) all[i] += class_embedding_[i];
  all.insert(all.end(), resized.begin(), resized.end());
  return positions_.emplace(grid, from_host(device_, all, {1 + grid * grid, width})).first->second;
}

Tensor Clip::embed(const Tensor& features) const {
  const int64_t batch = features.shape()[0];
  const int64_t grid = features.shape()[1];
  const int64_t places = grid * grid;
  const int64_t width = config_.width;
  const Tensor& table = positions(grid);
  Tensor x(device_, DataType::f32, {batch, 1 + places, width});
  const int64_t view = (1 + places) * width;
  const Shape classes = {batch, width};
  device_.copy({StridedView(table, 0, classes, {0, 1}), MutableStridedView(x, 0, classes, {view, 1})});
  const Shape seen = {batch, places, width};
  device_.add({.a = features.view().reshaped(seen),
               .b = StridedView(table, width, seen, {0, width, 1}),
               .out = MutableStridedView(x, width, seen, {view, width, 1})});
  device_.layer_norm({x, pre_norm_.weight, pre_norm_.bias, norm_epsilon, x});
  return x;
}

void Clip::run_layer(int index, const Tensor& x) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  const Shape& s = x.shape();
  const Tensor normed(device_, compute_type_, s);
  device_.layer_norm({x, layer.norm1.weight, layer.norm1.bias, norm_epsilon, normed});
  {
    const Tensor qkv(device_, compute_type_, {s[0], 1, s[1], 3 * config_.width});
    device_.linear({.in = normed, .weight = layer.qkv.weight, .bias = layer.qkv.bias, .out = qkv});
    const int head_size = config_.width / config_.heads;
    const float scale = 1.0f / std::sqrt(static_cast<float>(head_size));
    device_.attention({.qkv = qkv, .heads = config_.heads, .scale = scale, .out = normed});
  }
  device_.linear({.in = normed, .weight = layer.out.weight, .bias = layer.out.bias, .residual = x, .out = x});
  device_.layer_norm({x, layer.norm2.weight, layer.norm2.bias, norm_epsilon, normed});
  const Tensor inner(device_, compute_type_, {s[0], s[1], layer.fc1.weight.out()});
  device_.linear({.in = normed,
                  .weight = layer.fc1.weight,
                  .bias = layer.fc1.bias,
                  .activation = Activation::quick_gelu,
                  .out = inner});
  device_.linear({.in = inner, .weight = layer.fc2.weight, .bias = layer.fc2.bias, .residual = x, .out = x});
}

double Clip::operations(double tokens) const {
  const double width = config_.width;
  double sum = 0;
  for (const Layer& layer : layers_) {
    const auto inner = static_cast<double>(layer.fc1.weight.out());
    sum += 2 * tokens * (4 * width * width + 2 * width * inner) + 4 * tokens * tokens * width;
  }
  return sum;
}

}  // namespace lectern
