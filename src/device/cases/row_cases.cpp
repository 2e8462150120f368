#include "device/cases/row_cases.h"

#include <array>
#include <numeric>

#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern {
namespace {

using Trial = OperatorTrial;
using Rows = std::span<const int32_t>;

constexpr int64_t sources = row_case_sources;

int64_t count_of(Rows rows) { return static_cast<int64_t>(rows.size()); }

// Of `sources` random rows those that are chosen, in the compute type or in f32.
std::vector<float> chosen(Trial& t, Rows rows, int64_t width) {
  const std::vector<float> all = t.host(sources * width);
  std::vector<float> some;
  for (const int32_t row : rows) some.insert(some.end(), all.begin() + row * width, all.begin() + (row + 1) * width);
  return some;
}
Tensor values_of(Trial& t, Rows rows, int64_t width) {
  return t.values(chosen(t, rows, width), {count_of(rows), width});
}
Tensor floats(Trial& t, Rows rows, int64_t width) { return t.upload(chosen(t, rows, width), {count_of(rows), width}); }

std::vector<float> linear(Trial& t, Rows rows, int64_t written) {
  const Tensor x = values_of(t, rows, 320);
  const Weight weight = t.weight(144, 320);
  const Tensor out = t.empty({count_of(rows), 144});
  t.run(out, [&] {
    t.device().linear({.in = x, .weight = weight, .activation = Activation::gelu, .out = out, .written = written});
  });
  return t.result;
}

std::vector<float> gated_linear(Trial& t, Rows rows, int64_t written) {
  const Tensor x = values_of(t, rows, 320);
  const WeightStack gate_up = t.device().stack({t.weight(144, 320), t.weight(144, 320)});
  const Tensor out = t.empty({count_of(rows), 144});
  t.run(out, [&] { t.device().gated_linear({.in = x, .gate_up = gate_up, .out = out, .written = written}); });
  return t.result;
}

template <bool layer>
std::vector<float> norm(Trial& t, Rows rows, int64_t) {
  const Tensor x = floats(t, rows, 384);
  const Tensor weight = t.floats({384});
  const Tensor bias = layer ? t.floats({384}) : Tensor();
  const Tensor out = t.empty({count_of(rows), 384});
  const NormArgs args{x, weight, bias, 1e-6f, out};
  t.run(out, [&] { layer ? t.device().layer_norm(args) : t.device().rms_norm(args); });
  return t.result;
}

// A row is a view.
template <bool causal>
std::vector<float> attention(Trial& t, Rows rows, int64_t) {
  constexpr int64_t places = 5 * 6;
  constexpr int64_t channels = 2 * 32;
  const Tensor qkv = values_of(t, rows, places * 2 * channels);
  const Tensor out = t.empty({count_of(rows), 5, 6, channels});
  t.run(out, [&] {
    t.device().attention({.qkv = qkv.view().reshaped({count_of(rows), 5, 6, 2 * channels}),
                          .heads = 2,
                          .scale = 0.2f,
                          .out = out,
                          .kv_heads = 1,
                          .causal = causal,
                          .prefix = 11});
  });
  return t.result;
}

constexpr int heads = 4;
constexpr int kv_heads = 2;
constexpr int head_size = 32;

// A cache that holds keys and values of some sequences; every one has `length` positions.
struct FilledCache : TrialCache {
  FilledCache(Trial& t, int64_t count, int64_t length) : TrialCache(t, count, length, kv_heads, head_size) {
    std::vector<SequenceRows> all;
    all.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) all.push_back({i * length, length, 0, pages_of(i)});
    const Tensor keys = t.values({count * length, kv_heads * head_size});
    const Tensor values = t.values({count * length, kv_heads * head_size});
    t.device().write_kv({keys, values, StepBatch(t.device(), all, format.page_tokens), layer});
  }
};

std::vector<float> attend(Trial& t, const FilledCache& cache, const Tensor& queries,
                          std::span<const SequenceRows> sequences, int64_t window) {
  const StepBatch step(t.device(), sequences, cache.format.page_tokens);
  const Tensor out = t.empty(queries.shape());
  t.run(out, [&] { t.device().paged_attention({queries, heads, 0.2f, step, cache.layer, out, window}); });
  return t.result;
}

// A row is one of a sequence of its own, some way on.
template <int64_t window>
std::vector<float> paged_attention(Trial& t, Rows rows, int64_t) {
  constexpr int64_t length = 100;
  const FilledCache cache(t, sources, length);
  const Tensor queries = values_of(t, rows, heads * head_size);
  std::vector<SequenceRows> sequences;
  for (const int32_t row : rows)
    sequences.push_back({static_cast<int64_t>(sequences.size()), 1, row * 37 % length, cache.pages_of(row), 20});
  return attend(t, cache, queries, sequences, window);
}

// Rows are of one sequence; those that follow on each other are given together.
template <int64_t window>
std::vector<float> paged_attention_of_one(Trial& t, Rows rows, int64_t) {
  const FilledCache cache(t, 1, sources);
  const Tensor queries = values_of(t, rows, heads * head_size);
  std::vector<SequenceRows> sequences;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && rows[i] == rows[i - 1] + 1) {
      ++sequences.back().rows;
    } else {
      sequences.push_back({static_cast<int64_t>(i), 1, rows[i], cache.pages_of(0), 9});
    }
  }
  return attend(t, cache, queries, sequences, window);
}

std::vector<float> mixture_of_experts(Trial& t, Rows rows, int64_t written) {
  const Tensor x = floats(t, rows, 128);
  const Tensor norm = t.floats({128});
  const Weight router = t.weight(8, 128, WeightFormat::f32);
  const ExpertBank experts = t.experts(8, 128, 96);
  const ExpertBank shared = t.experts(1, 128, 80);
  t.run(x, [&] {
    t.device().mixture_of_experts({.x = x,
                                   .norm = norm,
                                   .compute_type = t.type(),
                                   .router = router,
                                   .experts = experts,
                                   .top_k = 3,
                                   .scale = 0.01f,
                                   .shared = shared,
                                   .written = written});
  });
  return t.result;
}

// A row is the only one of a sequence of its own: what it gets are its queries, or, of a cache that holds nothing but
// its own, its values.
template <bool values>
std::vector<float> project_qkv(Trial& t, Rows rows, int64_t written) {
  constexpr int64_t length = 64;
  const TrialCache cache(t, count_of(rows), length, kv_heads, head_size);
  std::vector<SequenceRows> sequences;
  for (const int32_t row : rows) {
    const auto i = static_cast<int64_t>(sequences.size());
    sequences.push_back({i, 1, values ? 0 : row * 37 % length, cache.pages_of(i)});
  }
  const StepBatch step(t.device(), sequences, cache.format.page_tokens);
  const Tensor x = floats(t, rows, 192);
  const Tensor norm = t.floats({192});
  const WeightStack qkv = t.device().stack(
      {t.weight(heads * head_size, 192), t.weight(kv_heads * head_size, 192), t.weight(kv_heads * head_size, 192)});
  const Tensor queries = t.empty({count_of(rows), heads * head_size});
  const Tensor attended = t.empty(queries.shape());
  t.run(values ? attended : queries, [&] {
    t.device().project_qkv({.x = x,
                            .norm = norm,
                            .qkv = qkv,
                            .heads = heads,
                            .step = step,
                            .cache = cache.layer,
                            .queries = queries,
                            .written = written});
    if (values) t.device().paged_attention({queries, heads, 0.2f, step, cache.layer, attended});
  });
  return t.result;
}

// Only as written: what follows a prompt is written.
std::vector<float> sample(Trial& t, Rows rows, int64_t) {
  const Tensor x = floats(t, rows, 128);
  const Tensor norm = t.floats({128});
  const Weight head = t.weight(900, 128);
  std::vector<int64_t> wanted(rows.size());
  std::iota(wanted.begin(), wanted.end(), 0);
  const std::array<SequenceRows, 1> sequences = {{{0, count_of(rows), 0, {}}}};
  const StepBatch step(t.device(), sequences, 0, {.logit_rows = wanted, .vocabulary = 900});
  run_sample(t, x, norm, head, step);
  return t.result;
}

std::vector<float> argmax(Trial& t, Rows rows, int64_t) {
  const Tensor logits = floats(t, rows, 900);
  const Tensor ids(t.device(), DataType::i32, {count_of(rows)});
  const Tensor log_probabilities = t.empty_floats({count_of(rows)});
  t.run(log_probabilities,
        [&] { t.device().argmax({.logits = logits, .ids = ids, .log_probabilities = log_probabilities}); });
  return t.result;
}

constexpr std::array cases = {
    RowCase{Operator::linear, linear, "", true},
    RowCase{Operator::gated_linear, gated_linear, "", true},
    RowCase{Operator::layer_norm, norm<true>},
    RowCase{Operator::rms_norm, norm<false>},
    RowCase{Operator::attention, attention<false>},
    RowCase{Operator::attention, attention<true>, ", causal"},
    RowCase{Operator::paged_attention, paged_attention<0>},
    RowCase{Operator::paged_attention, paged_attention<16>, " in a window"},
    RowCase{Operator::paged_attention, paged_attention_of_one<0>, " of one sequence"},
    RowCase{Operator::paged_attention, paged_attention_of_one<7>, " of one sequence in a window"},
    RowCase{Operator::mixture_of_experts, mixture_of_experts, "", true},
    RowCase{Operator::project_qkv, project_qkv<false>, "", true},
    RowCase{Operator::project_qkv, project_qkv<true>, ", its values", true},
    RowCase{Operator::argmax, argmax},
    RowCase{Operator::sample, sample},
};

}  // namespace

std::span<const RowCase> row_cases() { return cases; }

}  // namespace lectern
