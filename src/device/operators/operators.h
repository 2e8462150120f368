// The operators that the model is written against: what each computes, on which shapes.
//
// Tensors are dense, views with strides apart, and in the device's memory. The residual stream, that is what blocks add
// to, is f32; between the operators of a block values are of the device's compute type, f32 or narrower
// (Device::compute_types). "Compute type" below means that type or f32. A device fills a table of functions; where it
// leaves an entry empty, an equivalent made of other entries stands there (lowering/). Arguments are valid when a
// function is called: the model checks shapes when it is loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "device/operators/strided.h"

namespace lectern {

class Device;
class StepBatch;  // step_batch.h
class Tensor;

enum class Activation : uint8_t {
  none,
  gelu,
  quick_gelu,
  silu
};  // gelu is exact (erf); quick_gelu is x * sigmoid(1.702 x)

// How a weight is kept and multiplied. f32: exact products of the checkpoint's own values. bf16: products of bf16
// values, summed in f32. q8, q4: blocks of 32 weights with a common scale; see device/quantization.h.
enum class WeightFormat : uint8_t { f32, bf16, q8, q4 };

// A weight matrix [out, in] in the form its device multiplies with; made once by Device::make_weight.
struct Weight {
  TensorView data;  // [out, in], or as the device packs it: u8 [out, bytes]
  int64_t columns = 0;
  WeightFormat format = WeightFormat::f32;
  std::shared_ptr<const Tensor> storage;  // of data, where it is not the checkpoint's own
  int64_t out() const { return data.shape[0]; }
  int64_t in() const { return columns; }
};

// Weights of one `in` and format as one handle, such as q, k and v of a layer; made once by Device::stack.
struct WeightStack {
  std::vector<Weight> parts;
  TensorView together = {};  // [out of all, in]: the parts one after another, if the device lays them out so
  const Weight& operator[](size_t part) const { return parts[part]; }
};

// Experts of one shape as one handle: what they make of x is down(silu(gate x) * up x).
struct ExpertBank {
  WeightStack gates_and_ups;  // of the first expert, of the second and so on
  WeightStack downs;
  int64_t count() const { return static_cast<int64_t>(downs.parts.size()); }
  const Weight& gate(int64_t expert) const { return gates_and_ups[static_cast<size_t>(2 * expert)]; }
  const Weight& up(int64_t expert) const { return gates_and_ups[static_cast<size_t>(2 * expert + 1)]; }
  const Weight& down(int64_t expert) const { return downs[static_cast<size_t>(expert)]; }
};

// out = activation(in * weight^T + bias) + residual. in [rows, in], compute type; out [rows, out], compute type; bias
// [out] f32 or empty; residual [rows, out] f32 or empty, and out then f32; residual may be out itself.
//
// The first `written` rows belong to tokens that the model wrote, the others to prompts or views. A device may multiply
// the two kinds by different kernels, but a row's result depends on the row and its kind alone: not on how many rows
// there are, nor on where it stands among them.
struct LinearArgs {
  TensorView in = {};
  const Weight& weight;
  TensorView bias = {};
  Activation activation = Activation::none;
  TensorView residual = {};
  MutableTensorView out = {};
  int64_t written = 0;
};

// out = silu(in * gate^T) * (in * up^T). gate and up, the two of the stack, are of one shape; in [rows, in] and out
// [rows, out], of one compute type. `written` and what a row depends on as in LinearArgs.
struct GatedLinearArgs {
  TensorView in = {};
  const WeightStack& gate_up;
  MutableTensorView out = {};
  int64_t written = 0;

  const Weight& gate() const { return gate_up[0]; }
  const Weight& up() const { return gate_up[1]; }
};

// in [batch, height, width, channels] -> out [batch, height', width', out channels], zero padding on all sides;
// weight [out channels, channels * kernel * kernel] as the checkpoint orders it; bias or empty. in and out f32.
struct Conv2dArgs {
  TensorView in = {};
  const Weight& weight;
  TensorView bias = {};
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  MutableTensorView out = {};
};

// Rows that a convolution multiplies: out [batch * height' * width', channels * kernel * kernel], compute type; in f32.
struct Im2colArgs {
  TensorView in = {};
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  MutableTensorView out = {};
};

// Over the last extent. Layer norm: (x - mean) / sqrt(variance + epsilon) * weight + bias. RMS norm, where bias is
// empty: x / sqrt(mean(x^2) + epsilon) * weight. in f32, out compute type; of a residual stream that is not f32
// (ComputeTypes::residual) both are of its type.
struct NormArgs {
  TensorView in = {};
  TensorView weight = {};
  TensorView bias = {};
  float epsilon = 1e-6f;
  MutableTensorView out = {};
};

// Attention of an encoder: softmax(q k^T * scale + bias) v for every head, among all places of a view or, with
// window > 0, within windows of window x window places. Windows that reach past the right and lower edge hold
// places whose query, key and value are `padding`; they take part as keys.
// The bias of query (h, w) and key (k, l) is q . height[h - k + H - 1] + q . width[w - l + W - 1], q unscaled, with
// H and W the extents of the view or the window; both tables are [2 * extent - 1, head size], or empty.
// qkv [batch, height, width, (heads + 2 * kv heads) * head size], queries before keys before values -> out [batch,
// height, width, heads * head size], both of one compute type; padding [as qkv's last extent] and tables f32.
// heads / kv heads queries share one key. Where it is causal, without windows, place i of a view, counted row by row,
// sees the places before max(prefix, i + 1): the first `prefix` of them see each other and nothing else.
// A view's result depends on the view alone.
struct AttentionArgs {
  TensorView qkv = {};
  int heads = 1;
  float scale = 1;
  int window = 0;
  TensorView padding = {};
  TensorView relative_height = {};
  TensorView relative_width = {};
  MutableTensorView out = {};
  int kv_heads = 0;  // 0: as many as heads
  bool causal = false;
  int64_t prefix = 0;

  int64_t key_heads() const { return kv_heads > 0 ? kv_heads : heads; }
  int64_t head_size() const { return qkv.shape[3] / (heads + 2 * key_heads()); }
};

// Rows of one sequence among the rows of a batch: rows first_row .. first_row + rows - 1 hold its positions
// position .. position + rows - 1; pages [ceil((position + rows) / page_tokens)] name its pages in the cache. The first
// `prompt` positions are no window's to hide; those of pages that no row sees any more may be -1.
struct SequenceRows {
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;
  std::span<const int32_t> pages = {};
  int64_t prompt = 0;
};

// One layer of the paged cache: `pages` pages of format.page_bytes each, one after the other. What is where within
// them is the device's own affair.
struct CacheFormat {
  int page_tokens = 0;    // positions of a page
  size_t page_bytes = 0;  // of one layer
  DataType type = DataType::f32;
};
struct CacheLayer {
  std::byte* data = nullptr;
  int64_t pages = 0;
  int kv_heads = 1;
  int head_size = 0;
  CacheFormat format = {};
};

// Writes keys [rows, kv heads * head size] (rotated already) and values of the same shape, compute type, into the
// cache.
struct WriteKvArgs {
  TensorView keys = {};
  TensorView values = {};
  const StepBatch& step;
  CacheLayer cache = {};
};

// Causal attention of queries [rows, heads * head size] over the cache, which holds their own keys already; heads / kv
// heads queries share one key. out as queries, compute type. With window > 0, a row after its sequence's prompt sees
// the prompt, and of what follows it the last `window` positions, its own among them. A row's result depends on its own
// sequence alone, and not on which of the sequence's rows are in one step.
struct PagedAttentionArgs {
  TensorView queries = {};
  int heads = 1;
  float scale = 1;
  const StepBatch& step;
  CacheLayer cache = {};
  MutableTensorView out = {};
  int64_t window = 0;
};

// In place: dimension i of every head is rotated with dimension i + head size / 2 by the angle
// position * theta^(-2 i / head size). x [rows, heads * head size], compute type.
struct RopeArgs {
  MutableTensorView x = {};
  int heads = 1;
  float theta = 1e4f;
  const StepBatch& step;
};

// The first part of a decoder's layer, before attention: q, k and v of the normalised x (NormArgs), queries and keys
// rotated (RopeArgs), keys and values in the cache (WriteKvArgs). x [rows, hidden] f32; queries [rows, heads * head
// size], compute type. `written` and what a row depends on as in LinearArgs.
//
// For a device whose residual stream is not f32 (ComputeTypes::residual) x is of that type, as everything else; with
// `pending`, of x's shape and type, x + pending is what is normalised, and is written to `sum`.
struct ProjectQkvArgs {
  TensorView x = {};
  TensorView norm = {};  // its weight
  float epsilon = 1e-6f;
  const WeightStack& qkv;  // three
  int heads = 1;
  float theta = 1e4f;
  const StepBatch& step;
  CacheLayer cache = {};
  MutableTensorView queries = {};
  int64_t written = 0;
  TensorView pending = {};
  MutableTensorView sum = {};

  const Weight& q() const { return qkv[0]; }
  const Weight& k() const { return qkv[1]; }
  const Weight& v() const { return qkv[2]; }
};

// out += sum over the top_k experts of a row of score * down(silu(gate x) * up x); score is the softmax over all
// experts of x * router^T, renormalised over the top_k if asked, times scale. Of equal scores the lower index wins.
// in compute type, out f32. `written` as in LinearArgs. If several ranks share a model, `experts` are those on this
// device, maybe none, which the router numbers from `first_expert` on; the others add nothing.
struct ExpertsArgs {
  TensorView in = {};
  const Weight& router;
  const ExpertBank& experts;
  int top_k = 1;
  bool renormalise = false;
  float scale = 1;
  MutableTensorView out = {};
  int64_t written = 0;
  int64_t first_expert = 0;

  bool has(int64_t expert) const { return expert >= first_expert && expert - first_expert < experts.count(); }
};

// The second half of a decoder's layer, after attention: x += the experts' part of the normalised x (NormArgs,
// ExpertsArgs), then x += that of the shared expert, which takes all rows, of the same normalised x. Either bank may be
// empty. x [rows, hidden] f32; `compute_type` is that of the values in between.
//
// With `rest`, of x's shape and type, what would be added to x is written there, and x stays as it is. For a device
// whose residual stream is not f32, `pending` and `sum` as in ProjectQkvArgs; what would be added to x is added to
// `sum` where there is no `rest`. `first_expert` as in ExpertsArgs; both banks may be empty then.
struct MixtureOfExpertsArgs {
  MutableTensorView x = {};
  TensorView norm = {};  // its weight
  float epsilon = 1e-6f;
  DataType compute_type = DataType::f32;
  const Weight& router;
  const ExpertBank& experts;
  int top_k = 1;
  bool renormalise = false;
  float scale = 1;
  const ExpertBank& shared;  // one, or none
  int64_t written = 0;
  TensorView pending = {};
  MutableTensorView sum = {};
  MutableTensorView rest = {};
  int64_t first_expert = 0;

  // The experts' part, of the normalised x.
  ExpertsArgs of_experts(const TensorView& normed) const {
    return {.in = normed,
            .router = router,
            .experts = experts,
            .top_k = top_k,
            .renormalise = renormalise,
            .scale = scale,
            .out = rest ? rest : x,
            .written = written,
            .first_expert = first_expert};
  }
};

// The beginning of a step: out row i = table row ids[i] in f32, or, where picture_rows[i] is not below 0, that row of
// the pictures, counted through all of them. ids and picture_rows are those of the step (StepBatch); pictures f32 [n,
// hidden] each; out [rows, hidden] f32.
struct EmbedArgs {
  const Weight& table;
  const StepBatch& step;
  std::span<const TensorView> pictures = {};
  MutableTensorView out = {};
};

// The end of a step: the choice (ArgmaxArgs, with the step's bans) from the logits of the rows that
// step.logit_rows() names, normalised (NormArgs) and multiplied with the head. x [rows, hidden], the residual stream;
// `compute_type` is that of the normalised rows; logits f32 [logit rows, vocabulary], ids i32 and log_probabilities f32
// [logit rows]. The rows count as written (LinearArgs): what follows a prompt is the first token that the model writes.
//
// The largest logit is chosen. Drawing, for a temperature, is left to the host: what is drawn for a seed follows
// from sums over the whole vocabulary in one order, which every device would have to keep.
struct SampleArgs {
  TensorView x = {};
  TensorView norm = {};  // its weight
  float epsilon = 1e-6f;
  DataType compute_type = DataType::f32;
  const Weight& head;
  const StepBatch& step;
  MutableTensorView logits = {};
  MutableTensorView ids = {};
  MutableTensorView log_probabilities = {};
};

// copy: out = in, element by element, converted where the types differ: between f32, f16 and bf16, and between f32 and
// i32. The only operator that converts and the only one of strided values that a model needs beside these two:
struct CopyArgs {
  StridedView in = {};
  MutableStridedView out = {};
};

// add; and of the primitives multiply, subtract, divide, maximum: out = a ? b, element by element; where b is empty,
// `number` stands for it. Shapes are equal: broadcast() repeats one that is shorter. out may be an input where both
// have the same strides. f32; multiply also in the compute type, all three of one type.
struct BinaryArgs {
  StridedView a = {};
  StridedView b = {};
  float number = 0;
  MutableStridedView out = {};
};

// 8-bit levels -> f32 in -1 .. 1: (level / 255 - 0.5) / 0.5. in u8 and out f32 of one shape.
struct NormalizePixelsArgs {
  TensorView in = {};
  MutableTensorView out = {};
};

// Those that the model calls: name, arguments, and the type that chooses among the plans of a device (f32 for an
// operator that has one plan). From this list and that of primitives.h come the enumeration, the names, the tables, the
// calls of Device, and the declarations of every device's kernels and of the lowerings.
#define LECTERN_MODEL_OPERATORS(X)                               \
  X(linear, LinearArgs, args.in.type)                            \
  X(gated_linear, GatedLinearArgs, args.in.type)                 \
  X(conv2d, Conv2dArgs, f32)                                     \
  X(im2col, Im2colArgs, args.out.type)                           \
  X(layer_norm, NormArgs, args.out.type)                         \
  X(rms_norm, NormArgs, args.out.type)                           \
  X(attention, AttentionArgs, args.qkv.type)                     \
  X(embed, EmbedArgs, f32)                                       \
  X(project_qkv, ProjectQkvArgs, args.queries.type)              \
  X(rope, RopeArgs, args.x.type)                                 \
  X(paged_attention, PagedAttentionArgs, args.queries.type)      \
  X(mixture_of_experts, MixtureOfExpertsArgs, args.compute_type) \
  X(sample, SampleArgs, args.compute_type)                       \
  X(normalize_pixels, NormalizePixelsArgs, f32)                  \
  X(copy, CopyArgs, narrower(args.in.type, args.out.type))       \
  X(add, BinaryArgs, f32)

}  // namespace lectern
