// One function a case and one table of them, so one file, though a long one.
#include "device/cases/operator_cases.h"

#include <array>

#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern {

namespace {

using Trial = OperatorTrial;

template <Activation activation>
void linear(Trial& t) {
  const Tensor x = t.values({96, 320});
  const Weight weight = t.weight(256, 320);
  const Tensor bias = t.floats({256});
  const Tensor out = t.empty({96, 256});
  t.run(out,
        [&] { t.device().linear({.in = x, .weight = weight, .bias = bias, .activation = activation, .out = out}); });
}

void linear_of_one_row(Trial& t) {
  const Tensor x = t.values({1, 640});
  const Weight weight = t.weight(512, 640);
  const Tensor residual = t.floats({1, 512});
  const Tensor out = t.empty_floats({1, 512});
  t.run(out, [&] { t.device().linear({.in = x, .weight = weight, .residual = residual, .out = out}); });
}

void gated_linear(Trial& t) {
  const Tensor x = t.values({96, 320});
  const WeightStack gate_up = t.device().stack({t.weight(256, 320), t.weight(256, 320)});
  const Tensor out = t.empty({96, 256});
  t.run(out, [&] { t.device().gated_linear({.in = x, .gate_up = gate_up, .out = out, .written = 5}); });
}

void conv2d(Trial& t) {
  const Tensor x = t.floats({1, 32, 32, 32});
  const Weight weight = t.weight(48, 32 * 9);
  const Tensor out = t.empty_floats({1, 16, 16, 48});
  t.run(out,
        [&] { t.device().conv2d({.in = x, .weight = weight, .kernel = 3, .stride = 2, .padding = 1, .out = out}); });
}

void im2col(Trial& t) {
  const Tensor x = t.floats({2, 16, 16, 24});
  const Tensor out = t.empty({2 * 16 * 16, 24 * 9});
  t.run(out, [&] { t.device().im2col({.in = x, .kernel = 3, .padding = 1, .out = out}); });
}

template <bool layer>
void norm(Trial& t) {
  const Tensor x = t.floats({200, 384});
  const Tensor weight = t.floats({384});
  const Tensor bias = layer ? t.floats({384}) : Tensor();
  const Tensor out = t.empty({200, 384});
  const NormArgs args{x, weight, bias, 1e-6f, out};
  t.run(out, [&] { layer ? t.device().layer_norm(args) : t.device().rms_norm(args); });
}

template <int window, bool relative>
void attention(Trial& t) {
  constexpr int64_t side = 20;
  constexpr int64_t extent = 2 * (window > 0 ? window : side) - 1;
  const Tensor qkv = t.values({2, side, side, 3 * 128});
  const Tensor padding = t.floats({3 * 128});
  const Tensor down = relative ? t.floats({extent, 64}) : Tensor();
  const Tensor across = relative ? t.floats({extent, 64}) : Tensor();
  const Tensor out = t.empty({2, side, side, 128});
  t.run(out, [&] { t.device().attention({qkv, 2, 0.125f, window, padding, down, across, out}); });
}

// Seven heads share a key each, and the first 90 of 200 places see each other alone.
void causal_attention(Trial& t) {
  const Tensor qkv = t.values({2, 1, 200, 18 * 64});
  const Tensor out = t.empty({2, 1, 200, 14 * 64});
  t.run(out, [&] {
    t.device().attention(
        {.qkv = qkv, .heads = 14, .scale = 0.125f, .out = out, .kv_heads = 2, .causal = true, .prefix = 90});
  });
}

constexpr int64_t positions = 190;  // of a sequence in a cache, at most

// Two sequences, one of which has a past, of which a window hides a part.
template <int heads, int kv_heads, int64_t window>
void paged_attention(Trial& t) {
  constexpr int size = 64;
  constexpr int64_t past = 150;
  constexpr int64_t rows = 40;
  const TrialCache cache(t, 2, positions, kv_heads, size);
  const std::array<SequenceRows, 1> before = {{{0, past, 0, cache.pages_of(0)}}};
  const std::array<SequenceRows, 2> sequences = {
      {{0, 1, past, cache.pages_of(0), past / 2}, {1, rows, 0, cache.pages_of(1), rows / 2}}};
  const Tensor old_keys = t.values({past, kv_heads * size});
  const Tensor old_values = t.values({past, kv_heads * size});
  const Tensor queries = t.values({rows + 1, heads * size});
  const Tensor keys = t.values({rows + 1, kv_heads * size});
  const Tensor values = t.values({rows + 1, kv_heads * size});
  const Tensor out = t.empty({rows + 1, heads * size});
  t.device().write_kv({old_keys, old_values, StepBatch(t.device(), before, cache.format.page_tokens), cache.layer});
  const StepBatch step(t.device(), sequences, cache.format.page_tokens);
  t.run(out, [&] {
    t.device().write_kv({keys, values, step, cache.layer});
    t.device().paged_attention({queries, heads, 0.125f, step, cache.layer, out, window});
  });
}

// The queries, and what the keys and values are good for.
void project_qkv(Trial& t) {
  constexpr int heads = 4;
  constexpr int kv_heads = 2;
  constexpr int size = 64;
  constexpr int64_t rows = 40;
  const TrialCache cache(t, 1, positions, kv_heads, size);
  const std::array<SequenceRows, 1> sequences = {{{0, rows, 0, cache.pages_of(0)}}};
  const StepBatch step(t.device(), sequences, cache.format.page_tokens);
  const Tensor x = t.floats({rows, 192});
  const Tensor norm = t.floats({192});
  const WeightStack qkv =
      t.device().stack({t.weight(heads * size, 192), t.weight(kv_heads * size, 192), t.weight(kv_heads * size, 192)});
  const Tensor queries = t.empty({rows, heads * size});
  const Tensor out = t.empty({rows, heads * size});
  t.run(out, [&] {
    t.device().project_qkv({.x = x,
                            .norm = norm,
                            .qkv = qkv,
                            .heads = heads,
                            .step = step,
                            .cache = cache.layer,
                            .queries = queries,
                            .written = 3});
    t.device().paged_attention({queries, heads, 0.005f, step, cache.layer, out});
  });
}

void rope(Trial& t) {
  const Tensor x = t.values({100, 4 * 64});
  const std::array<SequenceRows, 2> sequences = {{{0, 60, 7, {}}, {60, 40, 4000, {}}}};
  const StepBatch step(t.device(), sequences);
  t.run(x, [&] { t.device().rope({x, 4, 1e4f, step}); });
}

struct Mixture {
  Mixture(Trial& t, int64_t width, int64_t inner)
      : router(t.weight(8, width, WeightFormat::f32)), experts(t.experts(8, width, inner)) {}
  Weight router;
  ExpertBank experts;
};

template <int64_t rows>
void experts(Trial& t) {
  const Tensor x = t.values({rows, 128});
  const Mixture mixture(t, 128, 96);
  const Tensor out = t.floats({rows, 128});
  t.run(out, [&] {
    t.device().experts(
        {.in = x, .router = mixture.router, .experts = mixture.experts, .top_k = 3, .scale = 0.01f, .out = out});
  });
}

template <bool routed, bool shared>
void mixture_of_experts(Trial& t) {
  constexpr int64_t rows = 30;
  const Tensor x = t.floats({rows, 128});
  const Tensor norm = t.floats({128});
  const Mixture mixture(t, 128, 96);
  const ExpertBank for_all = t.experts(shared ? 1 : 0, 128, 160);
  const ExpertBank none;
  t.run(x, [&] {
    t.device().mixture_of_experts({.x = x,
                                   .norm = norm,
                                   .compute_type = t.type(),
                                   .router = mixture.router,
                                   .experts = routed ? mixture.experts : none,
                                   .top_k = 3,
                                   .scale = 0.01f,
                                   .shared = for_all,
                                   .written = 4});
  });
}

// Tokens, and rows of two pictures in two places.
void embed(Trial& t) {
  constexpr int64_t width = 320;
  const Weight table = t.weight(100, width, WeightFormat::f32);
  const Tensor first = t.floats({3, width});
  const Tensor second = t.floats({5, width});
  const std::array<TensorView, 2> pictures = {first, second};
  const std::vector<int32_t> ids = {5, 6, 7, 7, 7, 99, 7, 7, 0};
  const std::vector<int32_t> picture_rows = {-1, -1, 1, 2, 3, -1, 6, 7, -1};
  const std::array<SequenceRows, 1> sequences = {{{0, static_cast<int64_t>(ids.size()), 0, {}}}};
  const StepBatch step(t.device(), sequences, 0, {.ids = ids, .picture_rows = picture_rows});
  const Tensor out = t.empty_floats({static_cast<int64_t>(ids.size()), width});
  t.run(out, [&] { t.device().embed({table, step, pictures, out}); });
}

// After some rows, or after all.
template <bool all>
void sample(Trial& t) {
  constexpr int64_t rows = 7;
  constexpr int64_t vocabulary = 900;
  const Tensor x = t.floats({rows, 128});
  const Tensor norm = t.floats({128});
  const Weight head = t.weight(vocabulary, 128);
  const std::vector<int64_t> wanted = all ? std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6} : std::vector<int64_t>{1, 2, 6};
  const std::vector<std::vector<int32_t>> banned(wanted.size(), {3, 4, 899});
  const std::array<SequenceRows, 1> sequences = {{{0, rows, 0, {}}}};
  const StepBatch step(t.device(), sequences, 0, {.logit_rows = wanted, .banned = banned, .vocabulary = vocabulary});
  run_sample(t, x, norm, head, step);
}

void gather(Trial& t) {
  const Weight table = t.weight(100, 320, WeightFormat::f32);
  const Tensor ids = t.indices({5, 6, 99, 0, 5, 41});
  const Tensor out = t.empty_floats({6, 320});
  t.run(out, [&] { t.device().gather({table, ids, out}); });
}

// To other strides, in another type.
void copy(Trial& t) {
  const Tensor x = t.floats({99, 320});
  const Tensor out = t.values({100, 400});
  t.run(out, [&] { t.device().copy({x, MutableStridedView(out, 80, x.shape(), {400, 1})}); });
}

void transpose(Trial& t) {
  const Tensor x = t.values({4, 50, 60});
  const Tensor out = t.empty({60, 4, 50});
  t.run(out, [&] { t.device().copy({StridedView(x, 0, out.shape(), {1, 3000, 60}), out}); });
}

void add_repeated(Trial& t) {
  const Tensor a = t.floats({4, 100, 320});
  const Tensor b = t.floats({100, 320});
  const Tensor out = t.empty_floats(a.shape());
  t.run(out, [&] { t.device().add({.a = a, .b = broadcast(b, a.shape()), .out = out}); });
}

void multiply(Trial& t) {
  const Tensor a = t.values({100, 320});
  const Tensor b = t.values({100, 320});
  const Tensor out = t.empty(a.shape());
  t.run(out, [&] { t.device().multiply({.a = a, .b = b, .out = out}); });
}

void argmax(Trial& t) {
  const Tensor logits = t.floats({7, 900});
  const Tensor banned = t.indices({903, 904, 3599, 3600});
  const Tensor ids(t.device(), DataType::i32, {7});
  const Tensor log_probabilities = t.empty_floats({7});
  const ArgmaxArgs args = {logits, banned, ids, log_probabilities};
  t.run(log_probabilities, [&] { t.device().argmax(args); });
}

void normalize_pixels(Trial& t) {
  std::vector<uint8_t> bytes(2 * 64 * 64 * 3);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  const Tensor levels(t.device(), DataType::u8, {2, 64, 64, 3});
  t.device().upload(bytes.data(), levels);
  const Tensor out = t.empty_floats(levels.shape());
  t.run(out, [&] { t.device().normalize_pixels({levels, out}); });
}

void activate(Trial& t) {
  const Tensor x = t.floats({100, 320});
  t.run(x, [&] { t.device().activate({Activation::gelu, x}); });
}

void softmax(Trial& t) {
  const Tensor x = t.floats({200, 300});
  const Tensor out = t.empty_floats(x.shape());
  t.run(out, [&] { t.device().softmax({x, out}); });
}

void grouped_linear(Trial& t) {
  const Mixture mixture(t, 128, 96);
  std::vector<int32_t> rising(60);
  for (int32_t i = 0; i < 60; ++i) rising[static_cast<size_t>(i)] = i / 13 + (i > 30 ? 1 : 0);
  const Tensor groups = t.indices(rising);
  const Tensor x = t.values({60, 128});
  const Tensor out = t.empty({60, 96});
  t.run(out, [&] {
    t.device().grouped_linear({x, groups, mixture.experts.gates_and_ups, 1, 2, Activation::silu, out});
  });
}

void top_k(Trial& t) {
  std::vector<float> different;  // of equal values a device may take any
  different.reserve(50 * 64);
  for (int i = 0; i < 50 * 64; ++i) different.push_back(static_cast<float>((i * 37 + i / 64) % 64) / 64);
  const Tensor x = t.upload(different, {50, 64});
  const Tensor values = t.empty_floats({50, 6});
  const Tensor indices(t.device(), DataType::i32, {50, 6});
  t.run(indices, [&] { t.device().top_k({x, values, indices}); });
}

void sort(Trial& t) {
  std::vector<int32_t> numbers;
  numbers.reserve(300);
  for (int32_t i = 0; i < 300; ++i) numbers.push_back(i * 37 % 64);
  const Tensor keys = t.indices(numbers);
  const Tensor order(t.device(), DataType::i32, {300});
  t.run(order, [&] { t.device().sort({keys, order}); });
}

void gather_rows(Trial& t) {
  const Tensor x = t.values({50, 320});
  const Tensor indices = t.indices({3, 4, 5, 49, 0, 3});
  const Tensor out = t.empty({6, 320});
  t.run(out, [&] { t.device().gather_rows({x, indices, out}); });
}

void scatter_rows(Trial& t) {
  const Tensor x = t.floats({5, 320});
  const Tensor indices = t.indices({3, 4, 20, 0, 9});
  const Tensor out = t.floats({30, 320});
  t.run(out, [&] { t.device().scatter_rows({x, indices, out}); });
}

void scatter_add(Trial& t) {
  const Tensor x = t.floats({6, 320});
  const Tensor indices = t.indices({3, 4, 20, 3, 3, 9});
  const Tensor out = t.floats({30, 320});
  t.run(out, [&] { t.device().scatter_add({x, indices, out}); });
}

void masked_scatter(Trial& t) {
  const Tensor x = t.floats({20, 320});
  const std::vector<float> ones = {0, 1, 1, 0, 0, 1, 1, 1, 0, 1};
  const Tensor mask = t.upload(ones, {10});
  const Tensor out = t.floats({10, 320});
  t.run(out, [&] { t.device().masked_scatter({x, mask, out}); });
}

void cumulative_sum(Trial& t) {
  const Tensor x = t.floats({3, 1000});
  const Tensor out = t.empty_floats(x.shape());
  t.run(out, [&] { t.device().cumulative_sum({x, out}); });
}

void where(Trial& t) {
  std::vector<float> ones;
  ones.reserve(100);
  for (int i = 0; i < 100; ++i) ones.push_back(i % 3 == 0 ? 1.0f : 0.0f);
  const Tensor mask = t.upload(ones, {100});
  const Tensor a = t.floats({100, 320});
  const Tensor b = t.floats({100, 320});
  const Tensor out = t.empty_floats(a.shape());
  t.run(out, [&] { t.device().where({StridedView(mask, 0, a.shape(), {1, 0}), a, b, out}); });
}

// Of transposed views, one of them repeated.
template <void (Device::*call)(const BinaryArgs&)>
void binary(Trial& t) {
  const Tensor a = t.floats({100, 320});
  std::vector<float> values = t.host(100);
  for (float& x : values) x += x < 0 ? -0.5f : 0.5f;
  const Tensor b = t.upload(values, {100});
  const Tensor out = t.empty_floats({320, 100});
  t.run(out, [&] {
    (t.device().*
     call)({.a = StridedView(a, 0, out.shape(), {1, 320}), .b = StridedView(b, 0, out.shape(), {0, 1}), .out = out});
  });
}

template <void (Device::*call)(const UnaryArgs&)>
void unary(Trial& t) {
  std::vector<float> values = t.host(100 * 320);
  for (float& x : values) x = x * x;
  const Tensor x = t.upload(values, {100, 320});
  const Tensor out = t.empty_floats({320, 100});
  t.run(out, [&] { (t.device().*call)({StridedView(x, 0, out.shape(), {1, 320}), out}); });
}

template <void (Device::*call)(const ReduceArgs&)>
void reduce(Trial& t) {
  const Tensor x = t.floats({100, 320});
  const Tensor out = t.empty_floats({100, 1});
  t.run(out, [&] { (t.device().*call)({x, out}); });
}

void gemm(Trial& t) {
  const Tensor x = t.values({96, 320});
  const Weight weight = t.weight(256, 320);
  const Tensor out = t.empty_floats({96, 256});
  t.run(out, [&] { t.device().gemm({x, weight, out}); });
}

void batched_matmul(Trial& t) {
  const Tensor a = t.floats({6, 80, 64});
  const Tensor b = t.floats({2, 64, 90});
  const Tensor out = t.empty_floats({2, 3, 80, 90});
  t.run(out, [&] {
    t.device().batched_matmul({StridedView(a, 0, {2, 3, 80, 64}, {15360, 5120, 64, 1}),
                               StridedView(b, 0, {2, 3, 90, 64}, {5760, 0, 1, 90}), out});
  });
}

constexpr std::array cases = {
    OperatorCase{Operator::copy, copy},
    OperatorCase{Operator::copy, transpose, ", transposed"},
    OperatorCase{Operator::linear, linear<Activation::gelu>},
    OperatorCase{Operator::linear, linear<Activation::quick_gelu>, ", quick_gelu"},
    OperatorCase{Operator::linear, linear<Activation::silu>, ", silu"},
    OperatorCase{Operator::linear, linear_of_one_row, ", one row"},
    OperatorCase{Operator::gated_linear, gated_linear},
    OperatorCase{Operator::conv2d, conv2d},
    OperatorCase{Operator::im2col, im2col},
    OperatorCase{Operator::layer_norm, norm<true>},
    OperatorCase{Operator::rms_norm, norm<false>},
    OperatorCase{Operator::attention, attention<14, true>, ", windows"},
    OperatorCase{Operator::attention, attention<0, true>, ", relative"},
    OperatorCase{Operator::attention, attention<0, false>, ", plain"},
    OperatorCase{Operator::attention, causal_attention, ", causal"},
    OperatorCase{Operator::paged_attention, paged_attention<4, 4, 0>, " and write_kv"},
    OperatorCase{Operator::paged_attention, paged_attention<6, 2, 20>, ", in a window"},
    OperatorCase{Operator::project_qkv, project_qkv},
    OperatorCase{Operator::rope, rope},
    OperatorCase{Operator::experts, experts<1>, ", one row"},
    OperatorCase{Operator::experts, experts<60>},
    OperatorCase{Operator::mixture_of_experts, mixture_of_experts<true, true>},
    OperatorCase{Operator::mixture_of_experts, mixture_of_experts<false, true>, ", of one"},
    OperatorCase{Operator::mixture_of_experts, mixture_of_experts<true, false>, ", none for all"},
    OperatorCase{Operator::gather, gather},
    OperatorCase{Operator::gather_rows, gather_rows},
    OperatorCase{Operator::argmax, argmax},
    OperatorCase{Operator::embed, embed},
    OperatorCase{Operator::sample, sample<false>},
    OperatorCase{Operator::sample, sample<true>, ", of every row"},
    OperatorCase{Operator::normalize_pixels, normalize_pixels},
    OperatorCase{Operator::add, add_repeated, ", repeated"},
    OperatorCase{Operator::add, binary<&Device::add>},
    OperatorCase{Operator::multiply, multiply, ", inner"},
    OperatorCase{Operator::multiply, binary<&Device::multiply>},
    OperatorCase{Operator::activate, activate},
    OperatorCase{Operator::softmax, softmax},
    OperatorCase{Operator::grouped_linear, grouped_linear},
    OperatorCase{Operator::top_k, top_k},
    OperatorCase{Operator::sort, sort},
    OperatorCase{Operator::scatter_rows, scatter_rows},
    OperatorCase{Operator::scatter_add, scatter_add},
    OperatorCase{Operator::masked_scatter, masked_scatter},
    OperatorCase{Operator::cumulative_sum, cumulative_sum},
    OperatorCase{Operator::where, where},
    OperatorCase{Operator::subtract, binary<&Device::subtract>},
    OperatorCase{Operator::gemm, gemm},
    OperatorCase{Operator::batched_matmul, batched_matmul},
    OperatorCase{Operator::divide, binary<&Device::divide>},
    OperatorCase{Operator::maximum, binary<&Device::maximum>},
    OperatorCase{Operator::exp, unary<&Device::exp>},
    OperatorCase{Operator::sqrt, unary<&Device::sqrt>},
    OperatorCase{Operator::reduce_sum, reduce<&Device::reduce_sum>},
    OperatorCase{Operator::reduce_max, reduce<&Device::reduce_max>},
};

}  // namespace

std::span<const OperatorCase> operator_cases() { return cases; }

}  // namespace lectern
