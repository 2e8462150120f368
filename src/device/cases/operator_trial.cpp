#include "device/cases/operator_trial.h"

#include "core/stopwatch.h"
#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern {

// Multiples of 1/64 in -1 .. 1, which every type holds.
std::vector<float> OperatorTrial::host(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = static_cast<float>(static_cast<int>(random_() % 129) - 64) / 64;
  return values;
}

Tensor OperatorTrial::upload(const std::vector<float>& values, const Shape& shape) {
  return from_host(device_, values, shape);
}

Tensor OperatorTrial::indices(const std::vector<int32_t>& values) { return from_host(device_, values); }

Tensor OperatorTrial::values(const std::vector<float>& values, const Shape& shape) {
  Tensor wide = upload(values, shape);
  if (type_ == DataType::f32) return wide;
  Tensor narrow(device_, type_, shape);
  device_.copy({wide, narrow});
  return narrow;
}

// As a model keeps its weights whose decoder computes in this type.
WeightFormat OperatorTrial::weights() const {
  const bool narrow = type_ != DataType::f32 && device_.compute_types(WeightFormat::bf16).decoder == type_;
  return narrow ? WeightFormat::bf16 : WeightFormat::f32;
}

Weight OperatorTrial::weight(int64_t out, int64_t in, WeightFormat format) {
  const std::vector<float>& values = weights_.emplace_back(host(out * in));
  return device_.make_weight(view_of_floats(values, {out, in}), format);
}

ExpertBank OperatorTrial::experts(int64_t count, int64_t width, int64_t inner) {
  std::vector<Weight> gates_and_ups, downs;
  for (int64_t i = 0; i < count; ++i) {
    gates_and_ups.push_back(weight(inner, width));
    gates_and_ups.push_back(weight(inner, width));
    downs.push_back(weight(width, inner));
  }
  return {device_.stack(std::move(gates_and_ups)), device_.stack(std::move(downs))};
}

void OperatorTrial::run(const TensorView& out, const std::function<void()>& call) {
  constexpr int timed_calls = 3;
  constexpr double slow = 0.01;  // seconds of a call that needs no other beside it
  call();
  if (wants_ == Wants::nothing) return device_.synchronize();
  result = floats_to_host(device_, out);
  if (wants_ == Wants::result) return;
  const auto time = [&](int calls) {
    const Stopwatch clock;
    for (int i = 0; i < calls; ++i) call();
    floats_to_host(device_, out);
    return clock.seconds() / calls;
  };
  seconds = time(1);
  if (seconds < slow) seconds = time(timed_calls);
}

void run_sample(OperatorTrial& t, const TensorView& x, const TensorView& norm, const Weight& head,
                const StepBatch& step) {
  const auto count = step.logit_rows().shape[0];
  const Tensor logits = t.empty_floats({count, head.out()});
  const Tensor ids(t.device(), DataType::i32, {count});
  const Tensor log_probabilities = t.empty_floats({count});
  t.run(log_probabilities, [&] {
    t.device().sample({.x = x,
                       .norm = norm,
                       .compute_type = t.type(),
                       .head = head,
                       .step = step,
                       .logits = logits,
                       .ids = ids,
                       .log_probabilities = log_probabilities});
  });
}

TrialCache::TrialCache(OperatorTrial& trial, int64_t sequences, int64_t positions, int kv_heads, int head_size)
    : format(trial.device().cache_format(kv_heads, head_size, trial.weights())),
      pages_each((positions + format.page_tokens - 1) / format.page_tokens),
      memory(trial.device(), DataType::u8, {sequences * pages_each * static_cast<int64_t>(format.page_bytes)}),
      layer{memory.view().data, sequences * pages_each, kv_heads, head_size, format} {
  for (auto i = static_cast<int32_t>(sequences * pages_each); i-- > 0;) pages.push_back(i);
}

std::span<const int32_t> TrialCache::pages_of(int64_t sequence) const {
  return std::span(pages).subspan(static_cast<size_t>(sequence * pages_each), static_cast<size_t>(pages_each));
}

}  // namespace lectern
