#include "language/decoder.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern {
namespace {

// What the blocks of a step add to: x itself where it is f32, and every block adds at once. A narrower one is a copy,
// what attention and experts give waits for the next norm, and two tensors take turns, since a sum is no operand of
// itself.
class ResidualStream {
 public:
  ResidualStream(Device& device, const MutableTensorView& x, DataType type) : x_(x) {
    if (type == DataType::f32) return;
    for (Tensor* tensor : {&own_, &other_, &waiting_, &rest_}) *tensor = Tensor(device, type, x.shape);
    device.copy({x, own_});
  }

  const MutableTensorView& now() const { return own_ ? own_.view() : x_; }
  TensorView pending() const { return waits_ ? TensorView(waiting_) : TensorView(); }
  MutableTensorView sum() const { return waits_ ? other_.view() : MutableTensorView(); }
  MutableTensorView rest() const { return own_ ? rest_.view() : MutableTensorView(); }
  // What waited is in sum() now; whether what came behind it is in rest() and waits in turn.
  void settle(bool more = false) {
    if (waits_) std::swap(own_, other_);
    if (own_ && more) std::swap(waiting_, rest_);
    waits_ = own_ && more;
  }
  // linear(residual, out)
  template <typename Linear>
  void add(const Linear& linear) {
    if (!own_) return linear(x_, x_);
    linear(TensorView(), waiting_.view());
    waits_ = true;
  }

 private:
  MutableTensorView x_;
  Tensor own_, other_, waiting_, rest_;
  bool waits_ = false;
};

bool is_all(std::span<const int64_t> wanted, int64_t rows) {
  if (static_cast<int64_t>(wanted.size()) != rows) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

}  // namespace

Decoder::Decoder(const WeightLoader& load)
    : device_(load.device()),
      config_(load.checkpoint().config().decoder),
      format_(load.format()),
      inner_(device_.precision(format_).decoder) {
  embedding_ = load.matrix("model.embed_tokens.weight", {config_.vocabulary, config_.hidden}, WeightFormat::f32);
  // Four bits cost the head more than they gain: it is kept in eight.
  const WeightFormat head_format = load.format() == WeightFormat::q4 ? WeightFormat::q8 : load.format();
  head_ = load.matrix("lm_head.weight", {config_.vocabulary, config_.hidden}, head_format);
  norm_ = load.rms_norm("model.norm", config_.hidden);
  for (int i = 0; i < config_.layers; ++i) layers_.push_back(load_layer(load, i));
}

Decoder::Layer Decoder::load_layer(const WeightLoader& load, int index) const {
  const std::string b = fmt::format("model.layers.{}.", index);
  const int64_t hidden = config_.hidden;
  const int64_t kv_width = hidden / config_.heads * config_.kv_heads;
  Layer layer;
  layer.input_norm = load.rms_norm(b + "input_layernorm", hidden);
  layer.q = load.matrix(b + "self_attn.q_proj.weight", {hidden, hidden});
  layer.k = load.matrix(b + "self_attn.k_proj.weight", {kv_width, hidden});
  layer.v = load.matrix(b + "self_attn.v_proj.weight", {kv_width, hidden});
  layer.o = load.matrix(b + "self_attn.o_proj.weight", {hidden, hidden});
  layer.post_norm = load.rms_norm(b + "post_attention_layernorm", hidden);
  const auto mlp = [&](const std::string& prefix, int64_t inner) -> ExpertWeights {
    return {load.matrix(prefix + "gate_proj.weight", {inner, hidden}),
            load.matrix(prefix + "up_proj.weight", {inner, hidden}),
            load.matrix(prefix + "down_proj.weight", {hidden, inner})};
  };
  const auto width_of = [&](const std::string& prefix) { return load.extent(prefix + "gate_proj.weight", 2, 0); };
  if (index < config_.dense_layers) {
    layer.shared = mlp(b + "mlp.", width_of(b + "mlp."));
    return layer;
  }
  layer.router =
      load.matrix(b + "mlp.gate.weight", {config_.experts, hidden}, WeightFormat::f32);  // decides, so it is exact
  const int64_t inner = width_of(b + "mlp.experts.0.");                                  // of every expert
  for (int e = 0; e < config_.experts; ++e) {
    layer.experts.push_back(mlp(fmt::format("{}mlp.experts.{}.", b, e), inner));
  }
  const std::string shared = b + "mlp.shared_experts.";
  if (load.checkpoint().has(shared + "gate_proj.weight")) layer.shared = mlp(shared, width_of(shared));
  return layer;
}

void Decoder::embed(std::span<const int32_t> ids, const MutableTensorView& out) const {
  device_.gather({.table = embedding_, .indices = from_host(device_, ids), .out = out});
}

Tensor Decoder::step(const MutableTensorView& x, std::span<const SequenceRows> sequences, int64_t written,
                     std::span<const int64_t> wanted, const KvCache& cache) const {
  const StepBatch batch(device_, sequences, cache.pool().page_tokens());
  const int64_t head_size = config_.hidden / config_.heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_size));
  const Tensor queries(device_, inner_, x.shape);
  const Tensor attended(device_, inner_, x.shape);
  ResidualStream stream(device_, x, device_.precision(format_).residual);
  for (int i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const CacheLayer layer_cache = cache.layer(i);
    device_.project_qkv({.x = stream.now(),
                         .norm = layer.input_norm.weight,
                         .epsilon = config_.rms_epsilon,
                         .q = layer.q,
                         .k = layer.k,
                         .v = layer.v,
                         .heads = config_.heads,
                         .theta = config_.rope_theta,
                         .step = batch,
                         .cache = layer_cache,
                         .queries = queries,
                         .written = written,
                         .pending = stream.pending(),
                         .sum = stream.sum()});
    stream.settle();
    device_.paged_attention({.queries = queries,
                             .heads = config_.heads,
                             .scale = scale,
                             .step = batch,
                             .cache = layer_cache,
                             .out = attended,
                             .window = config_.window});
    stream.add([&](const TensorView& residual, const MutableTensorView& out) {
      device_.linear({.in = attended, .weight = layer.o, .residual = residual, .out = out, .written = written});
    });
    device_.mixture_of_experts({.x = stream.now(),
                                .norm = layer.post_norm.weight,
                                .epsilon = config_.rms_epsilon,
                                .inner = inner_,
                                .router = layer.router,
                                .experts = layer.experts,
                                .top_k = config_.experts_per_token,
                                .renormalise = config_.renormalise,
                                .scale = config_.routed_scale,
                                .shared = layer.shared,
                                .written = written,
                                .pending = stream.pending(),
                                .sum = stream.sum(),
                                .rest = i + 1 < config_.layers ? stream.rest() : MutableTensorView()});
    stream.settle(i + 1 < config_.layers);
  }
  if (wanted.empty()) return {};
  const auto count = static_cast<int64_t>(wanted.size());
  Tensor gathered;
  if (!is_all(wanted, x.shape[0])) {
    const std::vector<int32_t> rows(wanted.begin(), wanted.end());
    gathered = Tensor(device_, stream.now().type, {count, config_.hidden});
    device_.gather_rows({stream.now(), from_host(device_, rows), gathered});
  }
  const TensorView last = gathered ? TensorView(gathered) : TensorView(stream.now());
  const Tensor last_normed(device_, inner_, last.shape);
  device_.rms_norm({.in = last, .weight = norm_.weight, .epsilon = config_.rms_epsilon, .out = last_normed});
  Tensor logits(device_, DataType::f32, {count, config_.vocabulary});
  // What follows a prompt is the first token that is written: the head knows one kind of rows.
  device_.linear({.in = last_normed, .weight = head_, .out = logits, .written = count});
  return logits;
}

double Decoder::bytes_of_step(int sequences) const {
  const auto bytes = [](const Matrix& matrix) { return matrix.data ? static_cast<double>(matrix.data.bytes()) : 0.0; };
  double sum = bytes(head_);
  const double missed = std::pow(1.0 - static_cast<double>(config_.experts_per_token) / config_.experts, sequences);
  for (const Layer& layer : layers_) {
    for (const Matrix* matrix : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.shared.gate, &layer.shared.up,
                                 &layer.shared.down, &layer.router}) {
      sum += bytes(*matrix);
    }
    for (const ExpertWeights& expert : layer.experts)
      sum += (1 - missed) * (bytes(expert.gate) + bytes(expert.up) + bytes(expert.down));
  }
  return sum;
}

double Decoder::operations_of_token() const {
  const auto operations = [](const Matrix& matrix) {
    return matrix.data ? 2.0 * static_cast<double>(matrix.out()) * static_cast<double>(matrix.in()) : 0.0;
  };
  double sum = 0;
  for (const Layer& layer : layers_) {
    for (const Matrix* matrix : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.shared.gate, &layer.shared.up,
                                 &layer.shared.down, &layer.router}) {
      sum += operations(*matrix);
    }
    if (layer.experts.empty()) continue;
    const ExpertWeights& expert = layer.experts.front();
    sum += config_.experts_per_token * (operations(expert.gate) + operations(expert.up) + operations(expert.down));
  }
  return sum;
}

}  // namespace lectern
