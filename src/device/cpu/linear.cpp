// Linear layers: few rows go through row_products, many through oneDNN.
#include <algorithm>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <vector>

#include "device/cpu/kernels.h"
#include "device/cpu/quantized.h"
#include "device/device.h"

namespace lectern::cpu {
namespace {

using dnnl::memory;

// What a primitive depends on: type of inputs and weights, rows, out, in, bias?, activation, residual?
using ProductKey = std::tuple<DataType, int64_t, int64_t, int64_t, bool, Activation, bool>;

memory::data_type dnnl_type(DataType type) {
  return type == DataType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::matmul make_product(const ProductKey& key) {
  const auto [type, rows, out, in, bias, activation, residual] = key;
  const memory::desc x({rows, in}, dnnl_type(type), memory::format_tag::ab);
  const memory::desc w({in, out}, dnnl_type(type), memory::format_tag::ba);
  const memory::desc y({rows, out}, memory::data_type::f32, memory::format_tag::ab);
  dnnl::post_ops after;
  switch (activation) {
    case Activation::none: break;
    case Activation::gelu: after.append_eltwise(1, dnnl::algorithm::eltwise_gelu_erf, 0, 0); break;
    case Activation::quick_gelu: after.append_eltwise(1, dnnl::algorithm::eltwise_swish, 1.702f, 0); break;
    case Activation::silu: after.append_eltwise(1, dnnl::algorithm::eltwise_swish, 1, 0); break;
  }
  if (residual) after.append_sum(1);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  const auto description =
      bias ? dnnl::matmul::desc(x, w, memory::desc({1, out}, memory::data_type::f32, memory::format_tag::ab), y)
           : dnnl::matmul::desc(x, w, y);
  return dnnl::matmul({description, attributes, engine()});
}

// Making a primitive compiles code; lengths repeat, so those made are kept.
dnnl::matmul product(const ProductKey& key) {
  static std::mutex mutex;
  static std::map<ProductKey, dnnl::matmul> made;
  constexpr size_t most = 1000;
  const std::lock_guard lock(mutex);
  if (const auto found = made.find(key); found != made.end()) return found->second;
  if (made.size() >= most) made.clear();
  return made.emplace(key, make_product(key)).first->second;
}

// Whether products of bf16 are faster here than those of f32.
bool fast_bf16() {
  static const bool fast =
      static_cast<int>(dnnl::get_effective_cpu_isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_bf16);
  return fast;
}

// The weight [out, in] as f32 or bf16; `made` holds it where it is not the matrix's own data.
const std::byte* weight_as(Device& device, const Matrix& weight, DataType type, Tensor& made) {
  if (weight.data.type == type) return weight.data.data;
  const Shape shape = {weight.out(), weight.in()};
  Tensor narrow_rows;
  TensorView rows = weight.data;
  if (is_quantized(weight.format)) {
    narrow_rows = Tensor(device, DataType::bf16, shape);
    unpack(weight, narrow_rows.view().as<uint16_t>());
    rows = narrow_rows;
  }
  if (rows.type == type) {
    made = std::move(narrow_rows);
  } else {
    made = Tensor(device, DataType::f32, shape);
    widen(rows, made.floats());
  }
  return made.view().data;
}

void blocked_product(Device& device, const LinearArgs& args, int64_t rows) {
  const int64_t out = args.weight.out();
  const int64_t in = args.weight.in();
  const bool bias = static_cast<bool>(args.bias);
  const bool residual = static_cast<bool>(args.residual);
  if (residual && args.residual.data != args.out.data)
    std::copy_n(args.residual.data, args.residual.bytes(), args.out.data);

  const DataType type = args.weight.format != WeightFormat::f32 && fast_bf16() ? DataType::bf16 : DataType::f32;
  Tensor made_weight;
  Tensor made_input;
  const std::byte* weight = weight_as(device, args.weight, type, made_weight);
  const std::byte* input = args.in.data;
  if (type == DataType::bf16) {
    made_input = Tensor(device, DataType::bf16, {rows, in});
    narrow(args.in.as<float>(), made_input.view().as<uint16_t>(), rows * in);
    input = made_input.view().data;
  }
  const ProductKey key(type, rows, out, in, bias, args.activation, residual);
  const dnnl::matmul multiply = product(key);
  static thread_local dnnl::stream stream(engine());
  const auto wrap = [](const memory::desc& description, const std::byte* data) {
    return memory(description, engine(), const_cast<std::byte*>(data));  // oneDNN takes no pointers to const
  };
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, wrap(memory::desc({rows, in}, dnnl_type(type), memory::format_tag::ab), input)},
      {DNNL_ARG_WEIGHTS, wrap(memory::desc({in, out}, dnnl_type(type), memory::format_tag::ba), weight)},
      {DNNL_ARG_DST, wrap(memory::desc({rows, out}, memory::data_type::f32, memory::format_tag::ab), args.out.data)}};
  if (bias)
    arguments.emplace(DNNL_ARG_BIAS,
                      wrap(memory::desc({1, out}, memory::data_type::f32, memory::format_tag::ab), args.bias.data));
  multiply.execute(stream, arguments);
  stream.wait();
}

void few_rows(const LinearArgs& args, int rows) {
  const int64_t out = args.weight.out();
  const int64_t in = args.weight.in();
  // With a residual the product goes to a buffer of its own first: out may be the residual.
  std::vector<float> buffer(args.residual ? static_cast<size_t>(rows * out) : 0);
  float* result = args.residual ? buffer.data() : args.out.as<float>();
  const float* x[max_row_products];
  float* y[max_row_products];
  for (int i = 0; i < rows; ++i) {
    x[i] = args.in.as<float>() + i * in;
    y[i] = result + i * out;
  }
  const RowProduct one{&args.weight, x, y, rows};
  row_products({&one, 1});
  if (args.bias) {
    const float* bias = args.bias.as<float>();
    for (int i = 0; i < rows; ++i) {
      for (int64_t n = 0; n < out; ++n) y[i][n] += bias[n];
    }
  }
  activate(args.activation, result, rows * out);
  if (args.residual) {
    const float* residual = args.residual.as<float>();
    float* sum = args.out.as<float>();
    for (int64_t n = 0; n < rows * out; ++n) sum[n] = residual[n] + buffer[static_cast<size_t>(n)];
  }
}

}  // namespace

void linear(Device& device, const LinearArgs& args) {
  const int64_t rows = args.in.shape.elements() / args.weight.in();
  if (rows == 0) return;
  if (rows <= max_row_products) {
    few_rows(args, static_cast<int>(rows));
  } else {
    blocked_product(device, args, rows);
  }
}

}  // namespace lectern::cpu
