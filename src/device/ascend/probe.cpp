// A symbol in a library does not prove that there is a kernel for the chip: every operator is run once on a few values
// before a model relies on it. Where CANN offers two functions for one thing, the other is tried before the operator is
// given up.
#include <functional>
#include <tuple>

#include "device/ascend/ascend_device.h"
#include "device/ascend/kernels/kernels.h"
#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern::ascend {
namespace {

// Functions that others can stand in for.
bool give_up(Functions& f, std::string_view name) {
  const auto drop = [&](auto& function) {
    if (!function || name != function.name) return false;
    function.prepare = nullptr;
    return true;
  };
  return drop(f.grouped_matmul_v5) || (f.fused_attention && drop(f.prompt_attention)) ||
         (f.swish && drop(f.fast_gelu)) || (f.rotary && drop(f.apply_rotary)) || drop(f.addmm) || drop(f.swi_glu);
}

// What the operators are tried on; small, and as the model has it.
class Trial {
 public:
  explicit Trial(AscendDevice& device) : device_(device), half_(device.half()) {}

  std::vector<std::pair<Operator, std::function<void()>>> all() {
    using enum Operator;
    return {{linear, [this] { try_linear(); }},
            {conv2d, [this] { try_conv2d(); }},
            {layer_norm,
             [this] {
               device_.layer_norm({f32_, weight_, weight_, 1e-6f, half_rows()});
             }},
            {rms_norm,
             [this] {
               device_.rms_norm({f32_, weight_, {}, 1e-6f, half_rows()});
             }},
            {attention, [this] { try_attention(); }},
            {store, [this] { try_cache(false); }},
            {paged_attention, [this] { try_cache(true); }},
            {rope,
             [this] {
               device_.rope({half_rows(), 2, 1e4f, sequence()});
             }},
            {experts, [this] { try_experts(); }},
            {gather,
             [this] {
               device_.gather({matrix_f32_, indices_, f32_out_});
             }},
            {copy,
             [this] {
               device_.copy({f32_, width, half_rows(), width});
             }},
            {add,
             [this] {
               device_.add({f32_, weight_, f32_out_});
             }},
            {multiply,
             [this] {
               device_.multiply({half_values_, half_values_, half_rows()});
             }},
            {pixels, [this] { try_pixels(); }},
            {softmax,
             [this] {
               device_.softmax({f32_, f32_out_});
             }},
            {scatter_rows,
             [this] {
               device_.scatter_rows({f32_, rows_on_card_, f32_out_});
             }},
            {matmul, [this] { try_matmul(); }}};
  }

  // Not in the constructor: even these may fail.
  void prepare() {
    const std::vector<float> values(static_cast<size_t>(width * width), 0.125f);
    const auto view = [&](const Shape& shape) { return view_of_floats(values, shape); };
    f32_ = device_.vector(view({rows, width}));
    f32_out_ = device_.vector(view({rows, width}));
    weight_ = device_.vector(view({width}));
    half_values_ = Tensor(device_, half_, {rows, width});
    half_out_ = Tensor(device_, half_, {rows, width});
    for (const Tensor* half : {&half_values_, &half_out_}) copy_view(device_.session(), half->view(), f32_.view());
    matrix_ = device_.matrix(view({width, width}), WeightFormat::bf16);
    matrix_f32_ = device_.matrix(view({width, width}), WeightFormat::f32);
    router_ = device_.matrix(view({2, width}), WeightFormat::f32);
    for (int i = 0; i < 2; ++i) {
      ExpertWeights& expert = experts_.emplace_back();
      for (Matrix* part : {&expert.gate, &expert.up, &expert.down})
        *part = device_.matrix(view({width, width}), WeightFormat::bf16);
    }
    rows_on_card_ = indices_on_card(device_, indices_);
  }

 private:
  static constexpr int64_t rows = 3;
  static constexpr int64_t width = 128;  // 2 heads of 64

  const Tensor& half_rows() const { return half_out_; }
  std::span<const SequenceRows> sequence() const { return {&sequence_, 1}; }

  void try_linear() {
    device_.linear(
        {.in = half_values_, .weight = matrix_, .bias = weight_, .activation = Activation::gelu, .out = half_out_});
    device_.linear({.in = half_values_, .weight = matrix_, .activation = Activation::quick_gelu, .out = half_out_});
    device_.linear({.in = half_values_, .weight = matrix_, .activation = Activation::silu, .out = half_out_});
    device_.linear({.in = half_values_, .weight = matrix_, .bias = weight_, .residual = f32_out_, .out = f32_out_});
    device_.linear({.in = half_values_, .weight = matrix_f32_, .out = f32_out_});
  }

  void try_conv2d() {
    const Tensor out(device_, DataType::f32, {1, 2, 2, 2});
    const std::vector<float> values(2 * 8 * 9, 0.5f);
    const Matrix kernel = device_.matrix(view_of_floats(values, {2, 8, 3, 3}), WeightFormat::bf16);
    device_.conv2d({.in = weight_.view().reshaped({1, 4, 4, 8}),
                    .weight = kernel,
                    .kernel = 3,
                    .stride = 2,
                    .padding = 1,
                    .out = out});
  }

  void try_attention() {
    const Tensor qkv(device_, half_, {1, 3, 3, 3 * width});
    const Tensor out(device_, half_, {1, 3, 3, width});
    device_.session().call(device_.session().functions().inplace_copy, View(qkv.view()),
                           View(weight_.view()).strided(0, {1, 3, 3, 3 * width}, {0, 0, 0, 0}));
    const std::vector<float> values(3 * width, 0.5f);
    const auto table = [&](int64_t length) { return from_host(device_, values, {length, 64}); };
    const Tensor padding = from_host(device_, values, {3 * width});
    const Tensor relative = table(3);
    device_.attention({.qkv = qkv,
                       .heads = 2,
                       .scale = 0.125f,
                       .window = 2,
                       .padding = padding,
                       .relative_height = relative,
                       .relative_width = relative,
                       .out = out});
    device_.attention({.qkv = qkv, .heads = 2, .scale = 0.125f, .out = out});
  }

  void try_cache(bool read) {
    const CacheFormat format = device_.cache_format(2, 64, WeightFormat::bf16);
    const Tensor memory(device_, DataType::u8, {static_cast<int64_t>(format.page_bytes)});
    const CacheLayer cache = {memory.view().data, 1, 2, 64, format};
    device_.store({half_values_, half_values_, sequence(), cache});
    if (!read) return;
    device_.paged_attention({half_values_, 2, 0.125f, sequence(), cache, half_out_});
    const std::array<SequenceRows, 1> step = {SequenceRows{0, 1, rows - 1, sequence_.pages}};
    device_.paged_attention({half_values_, 2, 0.125f, step, cache, half_out_});
  }

  void try_experts() {
    device_.experts({.in = half_values_, .router = router_, .experts = experts_, .top_k = 1, .out = f32_out_});
  }

  void try_pixels() {
    const std::vector<uint8_t> levels(4 * 4 * 3, 128);
    const uint8_t* const view = levels.data();
    const Tensor out(device_, DataType::f32, {1, 4, 4, 3});
    device_.pixels({{&view, 1}, 4, out});
  }

  void try_matmul() {
    const Tensor out(device_, DataType::f32, {1, 1, rows, rows});
    const TensorView values = f32_.view().reshaped({1, 1, rows, width});
    device_.matmul({values, values, out});
  }

  AscendDevice& device_;
  DataType half_;
  Tensor f32_, f32_out_, weight_, half_values_, half_out_, rows_on_card_;
  Matrix matrix_, matrix_f32_, router_;
  std::vector<ExpertWeights> experts_;
  const std::vector<int32_t> indices_ = {0, 1, 2};
  const std::vector<int32_t> pages_ = {0};
  const SequenceRows sequence_ = {0, rows, 0, pages_};
};

}  // namespace

std::vector<ProbeFailure> probe(AscendDevice& device) {
  std::vector<ProbeFailure> failures;
  Trial trial(device);
  trial.prepare();
  const OperatorTable& table = device.operators();
  for (const auto& [which, attempt] : trial.all()) {
    const DataType type = has_inner_types(which) ? device.half() : DataType::f32;
    if (table.is_absent(which, type) || table.lowering(which, type) != nullptr) continue;
    for (bool again = true; again;) {
      again = false;
      try {
        attempt();
        device.session().synchronize();
      } catch (const CallFailure& failure) {
        if (!failure.is_refusal()) throw;
        again = give_up(device.session().functions(), failure.function());
        if (!again) failures.push_back({which, failure.what()});
      }
    }
  }
  return failures;
}

}  // namespace lectern::ascend
