#include "vision/sam.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "device/host_values.h"
#include "vision/interpolate.h"

namespace lectern {
namespace {

constexpr float norm_epsilon = 1e-6f;

// table [lines, size] -> [2 * places - 1, size]
Tensor resized_table(Device& device, const std::vector<float>& table, int64_t size, int64_t places) {
  const int64_t length = 2 * places - 1;
  const int64_t lines = static_cast<int64_t>(table.size()) / size;
  return from_host(device, resize_line(table.data(), lines, length, size), {length, size});
}

}  // namespace

Sam::Sam(const WeightLoader& load)
    : device_(load.device()),
      config_(load.checkpoint().config().sam),
      compute_type_(device_.compute_types(load.format()).encoder) {
  const std::string prefix = "model.sam_model.";
  const int64_t width = config_.width;
  const int64_t patch = config_.patch;
  patch_ = {load.matrix(prefix + "patch_embed.proj.weight", {width, 3, patch, patch}),
            load.vector(prefix + "patch_embed.proj.bias", {width})};
  grid_ = load.extent(prefix + "pos_embed", 4, 1);
  position_embedding_ = load.values(prefix + "pos_embed", {1, grid_, grid_, width});
  const int64_t head_size = width / config_.heads;
  for (int i = 0; i < config_.layers; ++i) {
    const std::string b = fmt::format("{}blocks.{}.", prefix, i);
    const int64_t inner = load.extent(b + "mlp.lin1.weight", 2, 0);
    Block block;
    block.norm1 = load.layer_norm(b + "norm1", width);
    block.qkv = load.linear(b + "attn.qkv", 3 * width, width);
    block.relative_height = load.values(b + "attn.rel_pos_h", {load.extent(b + "attn.rel_pos_h", 2, 0), head_size});
    block.relative_width = load.values(b + "attn.rel_pos_w", {load.extent(b + "attn.rel_pos_w", 2, 0), head_size});
    block.proj = load.linear(b + "attn.proj", width, width);
    block.norm2 = load.layer_norm(b + "norm2", width);
    block.lin1 = load.linear(b + "mlp.lin1", inner, width);
    block.lin2 = load.linear(b + "mlp.lin2", width, inner);
    block.global =
        std::find(config_.global_layers.begin(), config_.global_layers.end(), i) != config_.global_layers.end();
    blocks_.push_back(std::move(block));
  }
  const int64_t neck = load.extent(prefix + "neck.0.weight", 4, 0);
  const int64_t down = load.extent(prefix + "net_2.weight", 4, 0);
  channels_ = load.extent(prefix + "net_3.weight", 4, 0);
  neck0_ = load.matrix(prefix + "neck.0.weight", {neck, width, 1, 1});
  neck1_ = load.layer_norm(prefix + "neck.1", neck);
  neck2_ = load.matrix(prefix + "neck.2.weight", {neck, neck, 3, 3});
  neck3_ = load.layer_norm(prefix + "neck.3", neck);
  down2_ = load.matrix(prefix + "net_2.weight", {down, neck, 3, 3});
  down3_ = load.matrix(prefix + "net_3.weight", {channels_, down, 3, 3});
}

const Sam::Positions& Sam::positions(int64_t patches) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = positions_.find(patches); found != positions_.end()) return found->second;
  Positions made;
  const int64_t width = config_.width;
  const int64_t head_size = width / config_.heads;
  made.embedding =
      from_host(device_, resize_grid(position_embedding_.data(), grid_, patches, width), {patches, patches, width});
  for (const Block& block : blocks_) {
    const int64_t extent = block.global ? patches : config_.window;
    made.heights.push_back(resized_table(device_, block.relative_height, head_size, extent));
    made.widths.push_back(resized_table(device_, block.relative_width, head_size, extent));
  }
  return positions_.emplace(patches, std::move(made)).first->second;
}

void Sam::run_layer(int layer, const Tensor& x) const {
  const auto index = static_cast<size_t>(layer);
  const Block& block = blocks_[index];
  const Positions& positions = this->positions(x.shape()[1]);
  const Shape& s = x.shape();
  const int64_t width = config_.width;
  const int64_t head_size = width / config_.heads;
  const Tensor normed(device_, compute_type_, s);
  device_.layer_norm({x, block.norm1.weight, block.norm1.bias, norm_epsilon, normed});
  {
    const Tensor qkv(device_, compute_type_, {s[0], s[1], s[2], 3 * width});
    device_.linear({.in = normed, .weight = block.qkv.weight, .bias = block.qkv.bias, .out = qkv});
    // A place beyond the view is zero after the norm, so its query, key and value are the bias alone.
    device_.attention({.qkv = qkv,
                       .heads = config_.heads,
                       .scale = 1.0f / std::sqrt(static_cast<float>(head_size)),
                       .window = block.global ? 0 : config_.window,
                       .padding = block.qkv.bias,
                       .relative_height = positions.heights[index],
                       .relative_width = positions.widths[index],
                       .out = normed});
  }
  device_.linear({.in = normed, .weight = block.proj.weight, .bias = block.proj.bias, .residual = x, .out = x});
  device_.layer_norm({x, block.norm2.weight, block.norm2.bias, norm_epsilon, normed});
  const Tensor inner(device_, compute_type_, {s[0], s[1], s[2], block.lin1.weight.out()});
  device_.linear({.in = normed,
                  .weight = block.lin1.weight,
                  .bias = block.lin1.bias,
                  .activation = Activation::gelu,
                  .out = inner});
  device_.linear({.in = inner, .weight = block.lin2.weight, .bias = block.lin2.bias, .residual = x, .out = x});
}

Tensor Sam::convolve(const Tensor& x, const Weight& weight, int kernel, int stride) const {
  const int padding = kernel / 2;
  const int64_t side = (x.shape()[1] + 2 * padding - kernel) / stride + 1;
  Tensor out(device_, DataType::f32, {x.shape()[0], side, side, weight.out()});
  device_.conv2d({.in = x, .weight = weight, .kernel = kernel, .stride = stride, .padding = padding, .out = out});
  return out;
}

Tensor Sam::embed(std::span<const uint8_t* const> views, int size) const {
  const auto batch = static_cast<int64_t>(views.size());
  const int64_t patches = size / config_.patch;
  Tensor x(device_, DataType::f32, {batch, patches, patches, config_.width});
  {
    const Tensor levels(device_, DataType::u8, {batch, size, size, 3});
    for (int64_t i = 0; i < batch; ++i) device_.upload(views[static_cast<size_t>(i)], levels.view().slice(i, 1));
    const Tensor pixels(device_, DataType::f32, levels.shape());
    device_.normalize_pixels({levels, pixels});
    device_.conv2d({.in = pixels,
                    .weight = patch_.weight,
                    .bias = patch_.bias,
                    .kernel = config_.patch,
                    .stride = config_.patch,
                    .out = x});
  }
  device_.add({.a = x, .b = broadcast(positions(patches).embedding, x.shape()), .out = x});
  return x;
}

Tensor Sam::finish(const Tensor& x) const {
  Tensor y = convolve(x, neck0_, 1, 1);
  device_.layer_norm({y, neck1_.weight, neck1_.bias, norm_epsilon, y});
  y = convolve(y, neck2_, 3, 1);
  device_.layer_norm({y, neck3_.weight, neck3_.bias, norm_epsilon, y});
  y = convolve(y, down2_, 3, 2);
  return convolve(y, down3_, 3, 2);
}

double Sam::operations_of_view(int size) const {
  const auto weights = [](const Weight& matrix) {
    return 2 * static_cast<double>(matrix.out()) * static_cast<double>(matrix.in());
  };
  const int64_t patches = size / config_.patch;
  const auto side = static_cast<double>(patches);
  const double places = side * side;
  const double windows = std::ceil(side / config_.window) * std::ceil(side / config_.window);
  const double window_places = config_.window * config_.window;
  double sum = places * weights(patch_.weight);
  for (const Block& block : blocks_) {
    sum += places * (weights(block.qkv.weight) + weights(block.proj.weight) + weights(block.lin1.weight) +
                     weights(block.lin2.weight));
    sum += 4 * config_.width * (block.global ? places * places : windows * window_places * window_places);
  }
  return sum + places * (weights(neck0_) + weights(neck2_)) + places / 4 * weights(down2_) +
         places / 16 * weights(down3_);
}

}  // namespace lectern
