#include "diagnose/operator_check.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <new>
#include <random>

#include "core/clock.h"
#include "device/device_failure.h"
#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int timed_calls = 3;

// One run of one operator on one device. Inputs come from a fixed seed, so they are the same on every device.
class Trial {
 public:
  Trial(Device& device, DataType type) : device_(device), type_(type) {}

  Device& device() { return device_; }
  DataType type() const { return type_; }

  // Multiples of 1/64 in -1 .. 1, which every type holds.
  std::vector<float> host(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& x : values) x = static_cast<float>(static_cast<int>(random_() % 129) - 64) / 64;
    return values;
  }
  Tensor floats(const Shape& shape) { return upload(host(shape.elements()), shape); }
  Tensor inner(const Shape& shape) {
    Tensor wide = floats(shape);
    if (type_ == DataType::f32) return wide;
    Tensor narrow(device_, type_, shape);
    device_.rearrange({wide, narrow});
    return narrow;
  }
  Tensor indices(const std::vector<int32_t>& values) { return from_host(device_, values); }
  Tensor upload(const std::vector<float>& values, const Shape& shape) { return from_host(device_, values, shape); }
  Tensor empty(const Shape& shape) { return {device_, type_, shape}; }
  Tensor empty_floats(const Shape& shape) { return {device_, DataType::f32, shape}; }
  // As a model keeps its weights whose decoder computes in this type.
  WeightFormat weights() const {
    const bool narrow = type_ != DataType::f32 && device_.precision(WeightFormat::bf16).decoder == type_;
    return narrow ? WeightFormat::bf16 : WeightFormat::f32;
  }
  Matrix matrix(int64_t out, int64_t in) { return matrix(out, in, weights()); }
  Matrix matrix(int64_t out, int64_t in, WeightFormat format) {
    const std::vector<float>& values = weights_.emplace_back(host(out * in));
    return device_.matrix(view_of_floats(values, {out, in}), format);
  }

  // The result of the first call, and the time of later ones.
  template <typename Call>
  void run(const TensorView& out, const Call& call) {
    call();
    result = floats_to_host(device_, out);
    const Clock clock;
    for (int i = 0; i < timed_calls; ++i) call();
    floats_to_host(device_, out);
    seconds = clock.seconds() / timed_calls;
  }

  std::vector<float> result;
  double seconds = 0;

 private:
  Device& device_;
  DataType type_;
  std::minstd_rand random_{1};
  std::deque<std::vector<float>> weights_;
};

struct Case {
  Operator which;
  void (*run)(Trial&);
  const char* variant = "";
};

void linear(Trial& t) {
  const Tensor x = t.inner({96, 320});
  const Matrix weight = t.matrix(256, 320);
  const Tensor bias = t.floats({256});
  const Tensor out = t.empty({96, 256});
  t.run(out, [&] {
    t.device().linear({.in = x, .weight = weight, .bias = bias, .activation = Activation::gelu, .out = out});
  });
}

void linear_of_one_row(Trial& t) {
  const Tensor x = t.inner({1, 640});
  const Matrix weight = t.matrix(512, 640);
  const Tensor residual = t.floats({1, 512});
  const Tensor out = t.empty_floats({1, 512});
  t.run(out, [&] { t.device().linear({.in = x, .weight = weight, .residual = residual, .out = out}); });
}

void conv2d(Trial& t) {
  const Tensor x = t.floats({1, 32, 32, 32});
  const Matrix weight = t.matrix(48, 32 * 9);
  const Tensor out = t.empty_floats({1, 16, 16, 48});
  t.run(out,
        [&] { t.device().conv2d({.in = x, .weight = weight, .kernel = 3, .stride = 2, .padding = 1, .out = out}); });
}

void unfold(Trial& t) {
  const Tensor x = t.floats({2, 16, 16, 24});
  const Tensor out = t.empty({2 * 16 * 16, 24 * 9});
  t.run(out, [&] { t.device().unfold({.in = x, .kernel = 3, .padding = 1, .out = out}); });
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
  const Tensor qkv = t.inner({2, side, side, 3 * 128});
  const Tensor padding = t.floats({3 * 128});
  const Tensor down = relative ? t.floats({extent, 64}) : Tensor();
  const Tensor across = relative ? t.floats({extent, 64}) : Tensor();
  const Tensor out = t.empty({2, side, side, 128});
  t.run(out, [&] { t.device().attention({qkv, 2, 0.125f, window, padding, down, across, out}); });
}

// Two sequences, one of which has a past.
void paged_attention(Trial& t) {
  constexpr int heads = 4;
  constexpr int size = 64;
  constexpr int64_t past = 150;
  constexpr int64_t rows = 40;
  const CacheFormat format = t.device().cache_format(heads, size, t.weights());
  const auto pages_each = static_cast<int32_t>((past + rows + format.page_tokens - 1) / format.page_tokens);
  std::vector<int32_t> pages;
  for (int32_t i = 2 * pages_each; i-- > 0;) pages.push_back(i);
  const auto bytes = static_cast<int64_t>(pages.size() * format.page_bytes);
  const Tensor memory(t.device(), DataType::u8, {bytes});
  const CacheLayer cache = {memory.view().data, static_cast<int64_t>(pages.size()), heads, size, format};
  const std::span<const int32_t> first(pages.data(), static_cast<size_t>(pages_each));
  const std::span<const int32_t> second(pages.data() + pages_each, static_cast<size_t>(pages_each));
  const std::array<SequenceRows, 1> before = {{{0, past, 0, first}}};
  const std::array<SequenceRows, 2> sequences = {{{0, 1, past, first}, {1, rows, 0, second}}};
  const Tensor old_keys = t.inner({past, heads * size});
  const Tensor old_values = t.inner({past, heads * size});
  const Tensor queries = t.inner({rows + 1, heads * size});
  const Tensor keys = t.inner({rows + 1, heads * size});
  const Tensor values = t.inner({rows + 1, heads * size});
  const Tensor out = t.empty({rows + 1, heads * size});
  t.device().store({old_keys, old_values, before, cache});
  t.run(out, [&] {
    t.device().store({keys, values, sequences, cache});
    t.device().paged_attention({queries, heads, 0.125f, sequences, cache, out});
  });
}

void rope(Trial& t) {
  const Tensor x = t.inner({100, 4 * 64});
  const std::array<SequenceRows, 2> sequences = {{{0, 60, 7, {}}, {60, 40, 4000, {}}}};
  t.run(x, [&] { t.device().rope({x, 4, 1e4f, sequences}); });
}

struct Mixture {
  Mixture(Trial& t, int64_t width, int64_t inner) : router(t.matrix(8, width, WeightFormat::f32)) {
    for (int e = 0; e < 8; ++e)
      experts.push_back({t.matrix(inner, width), t.matrix(inner, width), t.matrix(width, inner)});
  }
  Matrix router;
  std::vector<ExpertWeights> experts;
};

template <int64_t rows>
void experts(Trial& t) {
  const Tensor x = t.inner({rows, 128});
  const Mixture mixture(t, 128, 96);
  const Tensor out = t.floats({rows, 128});
  t.run(out, [&] {
    t.device().experts(
        {.in = x, .router = mixture.router, .experts = mixture.experts, .top_k = 3, .scale = 0.01f, .out = out});
  });
}

void gather(Trial& t) {
  const Matrix table = t.matrix(100, 320, WeightFormat::f32);
  const std::vector<int32_t> ids = {5, 6, 99, 0, 5, 41};
  const Tensor out = t.empty_floats({6, 320});
  t.run(out, [&] { t.device().gather({table, ids, out}); });
}

void copy(Trial& t) {
  const Tensor x = t.floats({99, 320});
  const Tensor out = t.inner({100, 400});
  t.run(out, [&] { t.device().copy({x, 320, out.view().at(80, {99, 320}), 400}); });
}

void add(Trial& t) {
  const Tensor a = t.floats({4, 100, 320});
  const Tensor b = t.floats({100, 320});
  const Tensor out = t.empty_floats(a.shape());
  t.run(out, [&] { t.device().add({a, b, out}); });
}

void multiply(Trial& t) {
  const Tensor a = t.inner({100, 320});
  const Tensor b = t.inner({100, 320});
  const Tensor out = t.empty(a.shape());
  t.run(out, [&] { t.device().multiply({a, b, out}); });
}

void pixels(Trial& t) {
  std::vector<uint8_t> view(64 * 64 * 3);
  for (size_t i = 0; i < view.size(); ++i) view[i] = static_cast<uint8_t>(i * 7);
  const std::array<const uint8_t*, 2> views = {view.data(), view.data()};
  const Tensor out = t.empty_floats({2, 64, 64, 3});
  t.run(out, [&] { t.device().pixels({views, 64, out}); });
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
  const Tensor x = t.inner({60, 128});
  const Tensor out = t.empty({60, 96});
  t.run(out, [&] {
    t.device().grouped_linear({x, groups, mixture.experts, &ExpertWeights::up, Activation::silu, out});
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
  const Tensor x = t.inner({50, 320});
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

void select(Trial& t) {
  std::vector<float> ones;
  ones.reserve(100);
  for (int i = 0; i < 100; ++i) ones.push_back(i % 3 == 0 ? 1.0f : 0.0f);
  const Tensor mask = t.upload(ones, {100});
  const Tensor a = t.floats({100, 320});
  const Tensor b = t.floats({100, 320});
  const Tensor out = t.empty_floats(a.shape());
  t.run(out, [&] { t.device().select({StridedView(mask, 0, a.shape(), {1, 0}), a, b, out}); });
}

// Of transposed views, one of them repeated.
template <void (Device::*call)(const PairArgs&)>
void pair(Trial& t) {
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

template <void (Device::*call)(const MapArgs&)>
void map(Trial& t) {
  std::vector<float> values = t.host(100 * 320);
  for (float& x : values) x = x * x;
  const Tensor x = t.upload(values, {100, 320});
  const Tensor out = t.empty_floats({320, 100});
  t.run(out, [&] { (t.device().*call)({StridedView(x, 0, out.shape(), {1, 320}), out}); });
}

void rearrange(Trial& t) {
  const Tensor x = t.inner({4, 50, 60});
  const Tensor out = t.empty({60, 4, 50});
  t.run(out, [&] { t.device().rearrange({StridedView(x, 0, out.shape(), {1, 3000, 60}), out}); });
}

template <void (Device::*call)(const ReduceArgs&)>
void reduce(Trial& t) {
  const Tensor x = t.floats({100, 320});
  const Tensor out = t.empty_floats({100, 1});
  t.run(out, [&] { (t.device().*call)({x, out}); });
}

void product(Trial& t) {
  const Tensor x = t.inner({96, 320});
  const Matrix weight = t.matrix(256, 320);
  const Tensor out = t.empty_floats({96, 256});
  t.run(out, [&] { t.device().product({x, weight, out}); });
}

void matmul(Trial& t) {
  const Tensor a = t.floats({6, 80, 64});
  const Tensor b = t.floats({2, 64, 90});
  const Tensor out = t.empty_floats({2, 3, 80, 90});
  t.run(out, [&] {
    t.device().matmul({StridedView(a, 0, {2, 3, 80, 64}, {15360, 5120, 64, 1}),
                       StridedView(b, 0, {2, 3, 90, 64}, {5760, 0, 1, 90}), out});
  });
}

constexpr std::array cases = {
    Case{Operator::linear, linear},
    Case{Operator::linear, linear_of_one_row, ", one row"},
    Case{Operator::conv2d, conv2d},
    Case{Operator::unfold, unfold},
    Case{Operator::layer_norm, norm<true>},
    Case{Operator::rms_norm, norm<false>},
    Case{Operator::attention, attention<14, true>, ", windows"},
    Case{Operator::attention, attention<0, true>, ", relative"},
    Case{Operator::attention, attention<0, false>, ", plain"},
    Case{Operator::paged_attention, paged_attention, " and store"},
    Case{Operator::rope, rope},
    Case{Operator::experts, experts<1>, ", one row"},
    Case{Operator::experts, experts<60>},
    Case{Operator::gather, gather},
    Case{Operator::copy, copy},
    Case{Operator::add, add},
    Case{Operator::multiply, multiply},
    Case{Operator::pixels, pixels},
    Case{Operator::activate, activate},
    Case{Operator::softmax, softmax},
    Case{Operator::grouped_linear, grouped_linear},
    Case{Operator::top_k, top_k},
    Case{Operator::sort, sort},
    Case{Operator::gather_rows, gather_rows},
    Case{Operator::scatter_rows, scatter_rows},
    Case{Operator::scatter_add, scatter_add},
    Case{Operator::masked_scatter, masked_scatter},
    Case{Operator::cumulative_sum, cumulative_sum},
    Case{Operator::select, select},
    Case{Operator::minus, pair<&Device::minus>},
    Case{Operator::rearrange, rearrange},
    Case{Operator::product, product},
    Case{Operator::matmul, matmul},
    Case{Operator::plus, pair<&Device::plus>},
    Case{Operator::times, pair<&Device::times>},
    Case{Operator::divide, pair<&Device::divide>},
    Case{Operator::maximum, pair<&Device::maximum>},
    Case{Operator::exp, map<&Device::exp>},
    Case{Operator::sqrt, map<&Device::sqrt>},
    Case{Operator::reduce_sum, reduce<&Device::reduce_sum>},
    Case{Operator::reduce_max, reduce<&Device::reduce_max>},
};

// Whether everything is there that the trial calls besides the operator itself.
bool can_run(const OperatorTable& table, Operator which, DataType type) {
  return !table.is_absent(which, type) && !table.is_absent(Operator::rearrange, type) &&
         !table.is_absent(Operator::rearrange, DataType::f32);
}

// bf16 has three bits less than f16. A relative bias may be ten and more, and its error is that of an exponent.
double most_error(DataType type) { return type == DataType::f32 ? 1e-4 : type == DataType::f16 ? 3e-2 : 6e-2; }

OperatorCheck check(const Case& one, Device& device, DataType type, Device& reference) {
  OperatorCheck result;
  result.name = std::string(name_of(one.which)) + one.variant;
  result.type = has_inner_types(one.which) ? type : DataType::f32;
  result.how = device.operators().describe(one.which, result.type);
  result.most_error = most_error(result.type);
  if (!can_run(device.operators(), one.which, result.type)) {
    result.failure = "absent";
    return result;
  }
  try {
    Trial expected(reference, DataType::f32);
    one.run(expected);
    Trial got(device, result.type);
    one.run(got);
    result.error = relative_error(got.result, expected.result);
    result.seconds = got.seconds;
    result.reference_seconds = expected.seconds;
  } catch (const DeviceFailure&) {
    throw;
  } catch (const Error& error) {
    result.failure = error.what();
  } catch (const std::bad_alloc&) {
    result.failure = "not enough memory";
  }
  return result;
}

}  // namespace

double relative_error(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (!std::isfinite(d)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

std::vector<OperatorCheck> check_operators(Device& device, DataType type, Device& reference,
                                           const std::function<void(const OperatorCheck&)>& done) {
  std::vector<OperatorCheck> results;
  for (const Case& one : cases) {
    results.push_back(check(one, device, type, reference));
    if (done) done(results.back());
  }
  return results;
}

}  // namespace lectern
