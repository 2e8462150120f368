#include "vision/deep_encoder_2/qwen2.h"

#include <fmt/format.h>

#include <cmath>

#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern {
namespace {

Tensor rows_of(Device& device, DataType type, const Tensor& like, int64_t width) {
  return Tensor(device, type, {like.shape()[0], like.shape()[1], width});
}

MutableTensorView as_matrix(const Tensor& rows) {
  return rows.view().reshaped({rows.shape().rows(), rows.shape()[-1]});
}

}  // namespace

Qwen2::Qwen2(const WeightLoader& load, int64_t width)
    : device_(load.device()),
      config_(load.checkpoint().config().qwen2.value()),
      compute_type_(device_.compute_types(load.format()).encoder),
      width_(width) {
  const std::string folder = load.checkpoint().folder().string();
  if (width % config_.heads != 0 || width / config_.heads % 2 != 0) {
    throw Error(fmt::format("{}: SAM gives {} channels, which {} heads of the Qwen2 encoder cannot share evenly",
                            folder, width, config_.heads),
                ErrorCode::corrupt_input);
  }
  const std::string prefix = "model.qwen2_model.";
  for (const char* name : {"query_768.weight", "query_1024.weight"}) {
    const int64_t rows = load.extent(prefix + name, 2, 0);
    queries_.emplace(rows, load.vector(prefix + name, {rows, width}));
  }
  const int64_t kv_width = width / config_.heads * config_.kv_heads;
  const auto name_of_layer = [&](int index) { return fmt::format("{}model.model.layers.{}.", prefix, index); };
  for (int i = 0; i == 0 || load.checkpoint().has(name_of_layer(i) + "input_layernorm.weight"); ++i) {
    const std::string b = name_of_layer(i);
    layers_.push_back({.input_norm = load.rms_norm(b + "input_layernorm", width),
                       .post_norm = load.rms_norm(b + "post_attention_layernorm", width),
                       .q = load.linear(b + "self_attn.q_proj", width, width),
                       .k = load.linear(b + "self_attn.k_proj", kv_width, width),
                       .v = load.linear(b + "self_attn.v_proj", kv_width, width),
                       .out = load.matrix(b + "self_attn.o_proj.weight", {width, width}),
                       .mlp = load.experts({b + "mlp."}, width)});
  }
  norm_ = load.rms_norm(prefix + "model.model.norm", width);
}

Tensor Qwen2::embed(const Tensor& features) const {
  const int64_t views = features.shape()[0];
  const int64_t rows = features.shape()[1] * features.shape()[2];
  Tensor x(device_, DataType::f32, {views, 2 * rows, width_});
  const Shape part = {views, rows, width_};
  device_.copy({features.view().reshaped(part), MutableStridedView(x, 0, part, {2 * rows * width_, width_, 1})});
  device_.copy(
      {broadcast(queries_.at(rows), part), MutableStridedView(x, rows * width_, part, {2 * rows * width_, width_, 1})});
  return x;
}

std::unique_ptr<const StepBatch> Qwen2::positions(const Shape& x) const {
  std::vector<SequenceRows> views;
  for (int64_t i = 0; i < x[0]; ++i) views.push_back({.first_row = i * x[1], .rows = x[1]});
  return std::make_unique<const StepBatch>(device_, views);
}

Tensor Qwen2::attend(const Layer& layer, const Tensor& x, const StepBatch& positions) const {
  const int64_t views = x.shape()[0];
  const int64_t rows = x.shape()[1];
  const int64_t kv_width = layer.k.weight.out();
  const int64_t head_size = width_ / config_.heads;
  Tensor normed = rows_of(device_, compute_type_, x, width_);
  device_.rms_norm({.in = x, .weight = layer.input_norm.weight, .epsilon = config_.rms_epsilon, .out = normed});
  const Tensor qkv(device_, compute_type_, {views, 1, rows, width_ + 2 * kv_width});
  int64_t filled = 0;
  const auto project = [&](const LinearWeights& weights, int heads) {
    const int64_t width = weights.weight.out();
    const Tensor part = rows_of(device_, compute_type_, x, width);
    device_.linear({.in = normed, .weight = weights.weight, .bias = weights.bias, .out = part});
    if (heads > 0) device_.rope({as_matrix(part), heads, config_.rope_theta, positions});
    const int64_t all = qkv.shape()[3];
    device_.copy({as_matrix(part), MutableStridedView(qkv, filled, {views * rows, width}, {all, 1})});
    filled += width;
  };
  project(layer.q, config_.heads);
  project(layer.k, config_.kv_heads);
  project(layer.v, 0);
  device_.attention({.qkv = qkv,
                     .heads = config_.heads,
                     .scale = 1.0f / std::sqrt(static_cast<float>(head_size)),
                     .out = normed.view().reshaped({views, 1, rows, width_}),
                     .kv_heads = config_.kv_heads,
                     .causal = true,
                     .prefix = rows / 2});
  return normed;
}

void Qwen2::add_blocks(const Layer& layer, const Tensor& attended, const Tensor& x) const {
  device_.linear({.in = attended, .weight = layer.out, .residual = x, .out = x});
  const Tensor normed = rows_of(device_, compute_type_, x, width_);
  device_.rms_norm({.in = x, .weight = layer.post_norm.weight, .epsilon = config_.rms_epsilon, .out = normed});
  const Tensor inner = rows_of(device_, compute_type_, x, layer.mlp.gate(0).out());
  device_.gated_linear({.in = as_matrix(normed), .gate_up = layer.mlp.gates_and_ups, .out = as_matrix(inner)});
  device_.linear({.in = inner, .weight = layer.mlp.down(0), .residual = x, .out = x});
}

void Qwen2::run_layer(int index, const Tensor& x, const StepBatch& positions) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  add_blocks(layer, attend(layer, x, positions), x);
}

Tensor Qwen2::queries_of(const Tensor& rows) const {
  const int64_t views = rows.shape()[0];
  const int64_t count = rows.shape()[1] / 2;
  Tensor queries(device_, rows.view().type, {views, count, width_});
  device_.copy({StridedView(rows, count * width_, queries.shape(), {2 * count * width_, width_, 1}), queries});
  return queries;
}

Tensor Qwen2::run_last_layer(const Tensor& x, const StepBatch& positions) const {
  const Layer& layer = layers_.back();
  const Tensor attended = queries_of(attend(layer, x, positions));
  Tensor queries = queries_of(x);
  add_blocks(layer, attended, queries);
  return queries;
}

Tensor Qwen2::finish(const Tensor& queries) const {
  Tensor normed = rows_of(device_, compute_type_, queries, width_);
  device_.rms_norm({.in = queries, .weight = norm_.weight, .epsilon = config_.rms_epsilon, .out = normed});
  return normed;
}

double Qwen2::operations(double rows) const {
  double sum = 0;
  for (const Layer& layer : layers_) {
    const bool last = &layer == &layers_.back();
    const auto width = static_cast<double>(width_);
    const double attention = 2 * width * (width + 2 * static_cast<double>(layer.k.weight.out()));
    const double blocks = 2 * width * (width + 3 * static_cast<double>(layer.mlp.gate(0).out()));
    // Of a picture row's keys there are `rows`, of a query's half of its own more.
    sum += 2 * rows * attention + (last ? 1 : 2) * rows * blocks + 4 * width * rows * rows * 2.5;
  }
  return sum;
}

}  // namespace lectern
