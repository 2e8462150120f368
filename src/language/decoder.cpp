#include "language/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "device/step_batch.h"

namespace lectern {
namespace {

// Numbers of a step's tensors.
enum StepTensor : size_t { queries_tensor, attended_tensor, stream_tensor };  // and three more of the stream

// What the blocks of a step add to: x where it is f32, and every block adds at once. A narrower one is a copy, what
// attention and experts give waits for the next norm, and two tensors take turns, since a sum is no operand of itself.
class ResidualStream {
 public:
  // `stays`: x is copied, too.
  ResidualStream(Device& device, const MutableTensorView& x, DataType type, StepTensors& tensors, bool stays)
      : own_(x), is_narrow_(type != DataType::f32) {
    if (!is_narrow_ && !stays) return;
    size_t index = stream_tensor;
    own_ = tensors.get(device, index, type, x.shape);
    if (is_narrow_) {
      for (MutableTensorView* view : {&other_, &waiting_, &rest_}) *view = tensors.get(device, ++index, type, x.shape);
    }
    device.copy({x, own_});
  }

  const MutableTensorView& now() const { return own_; }
  TensorView pending() const { return waits_ ? TensorView(waiting_) : TensorView(); }
  MutableTensorView sum() const { return waits_ ? other_ : MutableTensorView(); }
  MutableTensorView rest() const { return is_narrow_ ? rest_ : MutableTensorView(); }
  // What waited is in sum() now; whether what came behind it is in rest() and waits in turn.
  void settle(bool more = false) {
    if (waits_) std::swap(own_, other_);
    if (is_narrow_ && more) std::swap(waiting_, rest_);
    waits_ = is_narrow_ && more;
  }
  // Where a product goes that is added, and what is added to it at once.
  struct Addition {
    TensorView residual;
    MutableTensorView out;
  };
  Addition add() {
    waits_ = is_narrow_;
    return is_narrow_ ? Addition{{}, waiting_} : Addition{own_, own_};
  }
  void append_to(std::vector<TensorView>& operands) const {
    for (const MutableTensorView& view : {own_, other_, waiting_, rest_}) {
      if (view) operands.emplace_back(view);
    }
  }

 private:
  MutableTensorView own_, other_, waiting_, rest_;
  bool is_narrow_;
  bool waits_ = false;
};

// A row a sequence, in order, of tokens that the model wrote.
bool is_decoding(std::span<const SequenceRows> sequences, int64_t written, int64_t rows) {
  if (written != rows || static_cast<int64_t>(sequences.size()) != rows) return false;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].rows != 1 || sequences[i].first_row != static_cast<int64_t>(i)) return false;
  }
  return true;
}

}  // namespace

MutableTensorView StepTensors::get(Device& device, size_t index, DataType type, const Shape& shape) {
  constexpr int64_t least_rows = 32;  // few sizes: what was captured is lost when a tensor moves
  Tensor& tensor = tensors_[index];
  const MutableTensorView view(nullptr, type, shape);
  if (!tensor || tensor.view().type != type || tensor.view().bytes() < view.bytes()) {
    const auto whole = std::bit_ceil(static_cast<uint64_t>(std::max(least_rows, shape[0])));
    tensor = Tensor(device, type, {kept_ ? static_cast<int64_t>(whole) : shape[0], shape[1]});
  }
  return tensor.view().slice(0, shape[0]);
}

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
  layer.qkv = load.stack({{b + "self_attn.q_proj.weight", hidden},
                          {b + "self_attn.k_proj.weight", kv_width},
                          {b + "self_attn.v_proj.weight", kv_width}},
                         hidden);
  layer.o = load.matrix(b + "self_attn.o_proj.weight", {hidden, hidden});
  layer.post_norm = load.rms_norm(b + "post_attention_layernorm", hidden);
  if (index < config_.dense_layers) {
    layer.shared = load.experts({b + "mlp."}, hidden);
    return layer;
  }
  layer.router =
      load.matrix(b + "mlp.gate.weight", {config_.experts, hidden}, WeightFormat::f32);  // decides, so it is exact
  std::vector<std::string> experts;
  experts.reserve(static_cast<size_t>(config_.experts));
  for (int e = 0; e < config_.experts; ++e) experts.push_back(fmt::format("{}mlp.experts.{}.", b, e));
  layer.experts = load.experts(experts, hidden);
  const std::string shared = b + "mlp.shared_experts.";
  if (load.checkpoint().has(shared + "gate_proj.weight")) layer.shared = load.experts({shared}, hidden);
  return layer;
}

Decoder::Next Decoder::step(const Rows& rows, const KvCache& cache, KeptSteps* kept) const {
  const auto row_count = static_cast<int64_t>(rows.ids.size());
  if (kept != nullptr && (!kept->regions || !is_decoding(rows.sequences, rows.written, row_count))) kept = nullptr;
  const StepTokens tokens = {.ids = rows.ids,
                             .picture_rows = rows.picture_rows,
                             .wanted = rows.wanted,
                             .banned = rows.banned,
                             .vocabulary = config_.vocabulary};
  const StepBatch batch(device_, rows.sequences, cache.pool().page_tokens(), tokens,
                        kept != nullptr ? &kept->batch : nullptr);
  const Tensor x(device_, DataType::f32, {row_count, config_.hidden});
  device_.embed({.table = embedding_, .step = batch, .pictures = rows.pictures, .out = x});
  const int64_t head_size = config_.hidden / config_.heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_size));
  StepTensors own(false);
  StepTensors& tensors = kept != nullptr ? kept->tensors : own;
  const MutableTensorView queries = tensors.get(device_, queries_tensor, inner_, x.shape());
  const MutableTensorView attended = tensors.get(device_, attended_tensor, inner_, x.shape());
  ResidualStream stream(device_, x, device_.precision(format_).residual, tensors, kept != nullptr);
  const auto projection = [&](int i) -> ProjectQkvArgs {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const ProjectQkvArgs args = {.x = stream.now(),
                                 .norm = layer.input_norm.weight,
                                 .epsilon = config_.rms_epsilon,
                                 .qkv = layer.qkv,
                                 .heads = config_.heads,
                                 .theta = config_.rope_theta,
                                 .step = batch,
                                 .cache = cache.layer(i),
                                 .queries = queries,
                                 .written = rows.written,
                                 .pending = stream.pending(),
                                 .sum = stream.sum()};
    stream.settle();
    return args;
  };
  device_.project_qkv(projection(0));
  std::vector<TensorView> operands;  // of what is between two attentions
  if (kept != nullptr) {
    operands = batch.operands();
    operands.insert(operands.end(), {queries, attended});
    stream.append_to(operands);
  }
  for (int i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const bool more = i + 1 < config_.layers;
    device_.paged_attention({.queries = queries,
                             .heads = config_.heads,
                             .scale = scale,
                             .step = batch,
                             .cache = cache.layer(i),
                             .out = attended,
                             .window = config_.window});
    const auto [residual, out] = stream.add();
    const LinearArgs output = {
        .in = attended, .weight = layer.o, .residual = residual, .out = out, .written = rows.written};
    const MixtureOfExpertsArgs mixture = {.x = stream.now(),
                                          .norm = layer.post_norm.weight,
                                          .epsilon = config_.rms_epsilon,
                                          .inner = inner_,
                                          .router = layer.router,
                                          .experts = layer.experts,
                                          .top_k = config_.experts_per_token,
                                          .renormalise = config_.renormalise,
                                          .scale = config_.routed_scale,
                                          .shared = layer.shared,
                                          .written = rows.written,
                                          .pending = stream.pending(),
                                          .sum = stream.sum(),
                                          .rest = more ? stream.rest() : MutableTensorView()};
    stream.settle(more);
    const std::optional<ProjectQkvArgs> next = more ? std::optional(projection(i + 1)) : std::nullopt;
    run_region(kept != nullptr ? kept->regions.get() : nullptr, i, operands, [&] {
      device_.linear(output);
      device_.mixture_of_experts(mixture);
      if (next) device_.project_qkv(*next);
    });
  }
  if (rows.wanted.empty()) return {};
  const auto count = static_cast<int64_t>(rows.wanted.size());
  Next next{Tensor(device_, DataType::f32, {count, config_.vocabulary}),
            Choice(device_, count, config_.vocabulary, batch.banned_on_host())};
  device_.sample({.x = stream.now(),
                  .norm = norm_.weight,
                  .epsilon = config_.rms_epsilon,
                  .inner = inner_,
                  .head = head_,
                  .step = batch,
                  .logits = next.logits,
                  .ids = next.choice.ids(),
                  .log_probabilities = next.choice.log_probabilities()});
  return next;
}

namespace {

// The sum of size(matrix).
template <typename Size>
double sum_of(const std::vector<Matrix>& matrices, const Size& size) {
  double sum = 0;
  for (const Matrix& matrix : matrices) sum += size(matrix);
  return sum;
}
template <typename Size>
double sum_of(const ExpertBank& experts, const Size& size) {
  return sum_of(experts.gates_and_ups.parts, size) + sum_of(experts.downs.parts, size);
}

}  // namespace

double Decoder::bytes_of_step(int sequences) const {
  const auto bytes = [](const Matrix& matrix) { return matrix.data ? static_cast<double>(matrix.data.bytes()) : 0.0; };
  double sum = bytes(head_);
  const double missed = std::pow(1.0 - static_cast<double>(config_.experts_per_token) / config_.experts, sequences);
  for (const Layer& layer : layers_) {
    sum += sum_of(layer.qkv.parts, bytes) + bytes(layer.o) + bytes(layer.router) + sum_of(layer.shared, bytes) +
           (1 - missed) * sum_of(layer.experts, bytes);
  }
  return sum;
}

double Decoder::operations_of_token() const {
  const auto operations = [](const Matrix& matrix) {
    return matrix.data ? 2.0 * static_cast<double>(matrix.out()) * static_cast<double>(matrix.in()) : 0.0;
  };
  double sum = 0;
  for (const Layer& layer : layers_) {
    sum += sum_of(layer.qkv.parts, operations) + operations(layer.o) + operations(layer.router) +
           sum_of(layer.shared, operations);
    if (layer.experts.count() == 0) continue;
    const double of_one = sum_of(layer.experts, operations) / static_cast<double>(layer.experts.count());
    sum += config_.experts_per_token * of_one;
  }
  return sum;
}

}  // namespace lectern
