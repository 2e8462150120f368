#include "language/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "device/communicator.h"
#include "device/host_values.h"
#include "device/quantization.h"
#include "device/step_batch.h"

namespace lectern {
namespace {

// Numbers of a step's tensors.
enum StepTensor : size_t { queries_tensor, attended_tensor, stream_tensor };  // and three more of the stream

// What the blocks of a step add to: x where it is f32, and every block adds at once. A narrower one is a copy, what
// attention and experts give waits for the next norm, and two tensors take turns, since a sum is no operand of itself.
// Among several ranks what a block gives is left, and added when it is summed over all of them.
class ResidualStream {
 public:
  // `stays`: x is copied, too.
  ResidualStream(Device& device, const MutableTensorView& x, DataType type, StepTensors& tensors, bool stays,
                 Communicator* others)
      : device_(device), others_(others), own_(x), is_narrow_(type != DataType::f32) {
    size_t index = stream_tensor;
    if (!is_narrow_ && others != nullptr) rest_ = tensors.get(device, index + 1, type, x.shape);
    if (!is_narrow_ && !stays) return;
    own_ = tensors.get(device, index, type, x.shape);
    if (is_narrow_) {
      for (MutableTensorView* view : {&other_, &waiting_, &rest_}) *view = tensors.get(device, ++index, type, x.shape);
    }
    device.copy({x, own_});
  }

  const MutableTensorView& now() const { return own_; }
  TensorView pending() const { return waits_ ? TensorView(waiting_) : TensorView(); }
  MutableTensorView sum() const { return waits_ ? other_ : MutableTensorView(); }
  // Where the experts leave what they give; `more`: blocks follow. Empty where they add it themselves.
  MutableTensorView rest(bool more) const {
    return others_ != nullptr || (is_narrow_ && more) ? rest_ : MutableTensorView();
  }
  // What waited is in sum() now.
  void settle() {
    if (waits_) std::swap(own_, other_);
    waits_ = false;
  }
  // The same behind the experts; what they left waits in turn.
  void settle_experts(bool more) {
    settle();
    if (!is_narrow_ || !rest(more)) return;
    std::swap(waiting_, rest_);
    waits_ = true;
  }
  // Where a product goes that is added, and what is added to it at once.
  struct Addition {
    TensorView residual;
    MutableTensorView out;
  };
  Addition add() {
    waits_ = is_narrow_;
    if (is_narrow_) return {{}, waiting_};
    return others_ != nullptr ? Addition{{}, rest_} : Addition{own_, own_};
  }
  // What was left, when it is computed: the sum over all ranks, added where sums do not wait.
  void share(const MutableTensorView& left) const {
    if (others_ == nullptr) return;
    others_->all_reduce(left);
    if (!is_narrow_) device_.add({.a = own_, .b = left, .out = own_});
  }
  void append_to(std::vector<TensorView>& operands) const {
    for (const MutableTensorView& view : {own_, other_, waiting_, rest_}) {
      if (view) operands.emplace_back(view);
    }
  }

  // In the end, with all that was added: f32 where something still waits, which is kept here.
  TensorView whole() {
    if (!waits_) return own_;
    whole_ = Tensor(device_, DataType::f32, own_.shape);
    const Tensor more(device_, DataType::f32, own_.shape);
    device_.copy({own_, whole_});
    device_.copy({waiting_, more});
    device_.add({.a = whole_, .b = more, .out = whole_});
    return whole_;
  }

 private:
  Device& device_;
  Communicator* others_;
  Tensor whole_;
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
  constexpr int64_t min_rows = 32;  // few sizes: what was captured is lost when a tensor moves
  Tensor& tensor = tensors_[index];
  const MutableTensorView view(nullptr, type, shape);
  if (!tensor || tensor.view().type != type || tensor.view().bytes() < view.bytes()) {
    const auto whole = std::bit_ceil(static_cast<uint64_t>(std::max(min_rows, shape[0])));
    tensor = Tensor(device, type, {kept_ ? static_cast<int64_t>(whole) : shape[0], shape[1]});
  }
  return tensor.view().slice(0, shape[0]);
}

Decoder::Decoder(const WeightLoader& load, int rank, int ranks)
    : device_(load.device()),
      config_(load.checkpoint().config().decoder),
      share_(share_of(config_, rank, ranks)),
      heads_(static_cast<int>(share_.heads.empty() ? config_.heads / config_.kv_heads : share_.heads.count)),
      kv_heads_(static_cast<int>(share_.heads.empty() ? 1 : share_.kv_heads.count)),
      format_(load.format()),
      compute_type_(device_.compute_types(format_).decoder) {
  const Shape words = {config_.vocabulary, config_.hidden};
  if (rank == 0) embedding_ = load.matrix("model.embed_tokens.weight", words, WeightFormat::f32);
  // Four bits cost the head more than they gain: it is kept in eight.
  const WeightFormat head_format = load.format() == WeightFormat::q4 ? WeightFormat::q8 : load.format();
  head_ = load.rows("lm_head.weight", words, share_.vocabulary, head_format);
  norm_ = load.rms_norm("model.norm", config_.hidden);
  for (int i = 0; i < config_.layers; ++i) layers_.push_back(load_layer(load, i));
}

CacheShape Decoder::cache_shape() const {
  CacheShape shape = config_;
  shape.kv_heads = kv_heads_;
  return shape;
}

// A rank without heads multiplies by zeros: it takes part in everything as the others do, and adds nothing.
void Decoder::load_attention(const WeightLoader& load, const std::string& name, Layer& layer) const {
  const int64_t hidden = config_.hidden;
  const int64_t size = hidden / config_.heads;
  const int64_t kv_width = size * config_.kv_heads;
  if (share_.heads.empty()) {
    layer.qkv = device_.stack({load.zeros({heads_ * size, hidden}), load.zeros({kv_heads_ * size, hidden}),
                               load.zeros({kv_heads_ * size, hidden})});
    layer.o = load.zeros({hidden, heads_ * size});
    return;
  }
  const Range queries = {share_.heads.first * size, share_.heads.count * size};
  const Range keys = {share_.kv_heads.first * size, share_.kv_heads.count * size};
  layer.qkv = load.stack({{name + "q_proj.weight", hidden, queries},
                          {name + "k_proj.weight", kv_width, keys},
                          {name + "v_proj.weight", kv_width, keys}},
                         hidden);
  const WeightLoader::Columns o = load.columns(name + "o_proj.weight", {hidden, hidden}, queries);
  layer.o = o.matrix;
  layer.zeros_before = o.before;
}

ExpertBank Decoder::load_dense(const WeightLoader& load, const std::string& prefix) const {
  if (share_.ranks == 1) return load.experts({prefix}, config_.hidden);
  const int64_t hidden = config_.hidden;
  const int64_t width = load.extent(prefix + "gate_proj.weight", 2, 0);
  const Range own = share_of_width(width, share_, is_quantized(format_));
  if (own.empty()) return {};
  return {load.stack({{prefix + "gate_proj.weight", width, own}, {prefix + "up_proj.weight", width, own}}, hidden),
          device_.stack({load.columns(prefix + "down_proj.weight", {hidden, width}, own).matrix})};
}

Decoder::Layer Decoder::load_layer(const WeightLoader& load, int index) const {
  const std::string b = fmt::format("model.layers.{}.", index);
  const int64_t hidden = config_.hidden;
  Layer layer;
  layer.input_norm = load.rms_norm(b + "input_layernorm", hidden);
  load_attention(load, b + "self_attn.", layer);
  layer.post_norm = load.rms_norm(b + "post_attention_layernorm", hidden);
  if (index < config_.dense_layers) {
    layer.shared = load_dense(load, b + "mlp.");
    return layer;
  }
  layer.router =
      load.matrix(b + "mlp.gate.weight", {config_.experts, hidden}, WeightFormat::f32);  // decides, so it is exact
  std::vector<std::string> experts;
  experts.reserve(static_cast<size_t>(share_.experts.count));
  for (int64_t e = share_.experts.first; e < share_.experts.end(); ++e)
    experts.push_back(fmt::format("{}mlp.experts.{}.", b, e));
  if (!experts.empty()) layer.experts = load.experts(experts, hidden);
  const std::string shared = b + "mlp.shared_experts.";
  if (load.checkpoint().has(shared + "gate_proj.weight")) layer.shared = load_dense(load, shared);
  return layer;
}

// Where columns of zeros are kept beside those of the heads, zeros stand beside what was attended, too.
void Decoder::project(const LinearArgs& args, int64_t zeros_before) const {
  const int64_t width = args.weight.in();
  if (width == args.in.shape[1]) return device_.linear(args);
  const Tensor in(device_, args.in.type, {args.in.shape[0], width});
  fill_zero(device_, in);
  device_.copy({args.in, MutableStridedView(in.view(), zeros_before, args.in.shape, {width, 1})});
  device_.linear(
      {.in = in, .weight = args.weight, .residual = args.residual, .out = args.out, .written = args.written});
}

Decoder::Next Decoder::step(const Rows& rows, const KvCache& cache, KeptSteps* kept, Communicator* others) const {
  const auto row_count = static_cast<int64_t>(rows.ids.size());
  if (kept != nullptr && (!kept->regions || !is_decoding(rows.sequences, rows.written, row_count))) kept = nullptr;
  const int64_t words = share_.vocabulary.count;
  std::vector<std::vector<int32_t>> banned(rows.banned.begin(), rows.banned.end());
  for (std::vector<int32_t>& ids : banned) {
    for (int32_t& id : ids) id -= static_cast<int32_t>(share_.vocabulary.first);
  }
  const StepTokens tokens = {.ids = rows.ids,
                             .picture_rows = rows.picture_rows,
                             .logit_rows = rows.logit_rows,
                             .banned = banned,
                             .vocabulary = words};
  const StepBatch batch(device_, rows.sequences, cache.pool().page_tokens(), tokens,
                        kept != nullptr ? &kept->batch : nullptr);
  const Tensor x(device_, DataType::f32, {row_count, config_.hidden});
  if (share_.rank == 0) device_.embed({.table = embedding_, .step = batch, .pictures = rows.pictures, .out = x});
  if (others != nullptr) others->broadcast(x, 0);
  const int64_t head_size = config_.hidden / config_.heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_size));
  StepTensors own(false);
  StepTensors& tensors = kept != nullptr ? kept->tensors : own;
  const Shape of_heads = {row_count, heads_ * head_size};
  const MutableTensorView queries = tensors.get(device_, queries_tensor, compute_type_, of_heads);
  const MutableTensorView attended = tensors.get(device_, attended_tensor, compute_type_, of_heads);
  ResidualStream stream(device_, x, device_.compute_types(format_).residual, tensors, kept != nullptr, others);
  const auto projection = [&](int i) -> ProjectQkvArgs {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const ProjectQkvArgs args = {.x = stream.now(),
                                 .norm = layer.input_norm.weight,
                                 .epsilon = config_.rms_epsilon,
                                 .qkv = layer.qkv,
                                 .heads = heads_,
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
                             .heads = heads_,
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
                                          .compute_type = compute_type_,
                                          .router = layer.router,
                                          .experts = layer.experts,
                                          .top_k = config_.experts_per_token,
                                          .renormalise = config_.renormalise,
                                          .scale = config_.routed_scale,
                                          .shared = layer.shared,
                                          .written = rows.written,
                                          .pending = stream.pending(),
                                          .sum = stream.sum(),
                                          .rest = stream.rest(more),
                                          .first_expert = share_.experts.first};
    stream.settle_experts(more);
    const std::optional<ProjectQkvArgs> next = more ? std::optional(projection(i + 1)) : std::nullopt;
    const auto piece = [&](int part, const auto& body) {
      run_region(kept != nullptr ? kept->regions.get() : nullptr, 3 * i + part, operands, body);
    };
    if (others == nullptr) {
      piece(0, [&] {
        project(output, layer.zeros_before);
        device_.mixture_of_experts(mixture);
        if (next) device_.project_qkv(*next);
      });
      continue;
    }
    // What ranks tell each other is not captured. The projection alone is one call, repeated as quickly as replayed.
    project(output, layer.zeros_before);
    stream.share(output.out);
    piece(1, [&] { device_.mixture_of_experts(mixture); });
    stream.share(mixture.rest);
    if (next) piece(2, [&] { device_.project_qkv(*next); });
  }
  if (rows.logit_rows.empty()) return {};
  const auto count = static_cast<int64_t>(rows.logit_rows.size());
  Next next{Tensor(device_, DataType::f32, {count, words}), Choice(device_, count, words, batch.banned_on_host())};
  device_.sample({.x = stream.whole(),
                  .norm = norm_.weight,
                  .epsilon = config_.rms_epsilon,
                  .compute_type = compute_type_,
                  .head = head_,
                  .step = batch,
                  .logits = next.logits,
                  .ids = next.choice.ids(),
                  .log_probabilities = next.choice.log_probabilities()});
  return next;
}

void Decoder::go_through(int64_t rows, int done, const MutableTensorView& room, Communicator& others) const {
  const auto values = [&](DataType type) { return MutableTensorView(room.data, type, {rows, config_.hidden}); };
  if (done == 0) others.broadcast(values(DataType::f32), 0);
  for (int i = std::max(done, 1); i < 1 + 2 * config_.layers; ++i)
    others.all_reduce(values(device_.compute_types(format_).residual));
}

namespace {

// The sum of size(matrix).
template <typename Size>
double sum_of(const std::vector<Weight>& matrices, const Size& size) {
  double sum = 0;
  for (const Weight& matrix : matrices) sum += size(matrix);
  return sum;
}
template <typename Size>
double sum_of(const ExpertBank& experts, const Size& size) {
  return sum_of(experts.gates_and_ups.parts, size) + sum_of(experts.downs.parts, size);
}

}  // namespace

double Decoder::bytes_of_step(int sequences) const {
  const auto bytes = [](const Weight& matrix) { return matrix.data ? static_cast<double>(matrix.data.bytes()) : 0.0; };
  double sum = bytes(head_);
  const double missed = std::pow(1.0 - static_cast<double>(config_.experts_per_token) / config_.experts, sequences);
  for (const Layer& layer : layers_) {
    sum += sum_of(layer.qkv.parts, bytes) + bytes(layer.o) + bytes(layer.router) + sum_of(layer.shared, bytes) +
           (1 - missed) * sum_of(layer.experts, bytes);
  }
  return sum;
}

double Decoder::operations_of_token() const {
  const auto operations = [](const Weight& matrix) {
    return matrix.data ? 2.0 * static_cast<double>(matrix.out()) * static_cast<double>(matrix.in()) : 0.0;
  };
  double sum = 0;
  for (const Layer& layer : layers_) {
    sum += sum_of(layer.qkv.parts, operations) + operations(layer.o) + operations(layer.router) +
           sum_of(layer.shared, operations);
    if (layer.experts.count() > 0)  // of those that a token chooses, this rank's share
      sum += sum_of(layer.experts, operations) * config_.experts_per_token / config_.experts;
  }
  return sum;
}

}  // namespace lectern
