// Linear layers. Packed weights go through panel_products, those kept as they are through row_products for few rows
// and oneDNN for many; so do packed ones for many rows where bf16 has no instruction.
#include <algorithm>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <vector>

#include "device/cpu/kernels.h"
#include "device/cpu/matmul/panel_products.h"
#include "device/cpu/matmul/panels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::cpu {
namespace {

using dnnl::memory;

// What a primitive depends on: rows, out, in, bias?, activation, residual?
using ProductKey = std::tuple<int64_t, int64_t, int64_t, bool, Activation, bool>;

constexpr auto f32 = memory::data_type::f32;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::matmul make_product(const ProductKey& key) {
  const auto [rows, out, in, bias, activation, residual] = key;
  const memory::desc x({rows, in}, f32, memory::format_tag::ab);
  const memory::desc w({in, out}, f32, memory::format_tag::ba);
  const memory::desc y({rows, out}, f32, memory::format_tag::ab);
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
  const auto description = bias ? dnnl::matmul::desc(x, w, memory::desc({1, out}, f32, memory::format_tag::ab), y)
                                : dnnl::matmul::desc(x, w, y);
  return dnnl::matmul({description, attributes, engine()});
}

// Making a primitive compiles code; lengths repeat, so those made are kept. Each thread has its own: oneDNN's scratch
// memory is that of the thread that made the primitive, and another thread that ran it would share it.
dnnl::matmul product(const ProductKey& key) {
  static thread_local std::map<ProductKey, dnnl::matmul> made;
  constexpr size_t most = 1000;
  if (const auto found = made.find(key); found != made.end()) return found->second;
  if (made.size() >= most) made.clear();
  return made.emplace(key, make_product(key)).first->second;
}

// The weight [out, in] as f32; `made` holds it where it is not the matrix's own data.
const std::byte* wide_weight(Device& device, const Matrix& weight, Tensor& made) {
  if (weight.format == WeightFormat::f32 && weight.data.type == DataType::f32) return weight.data.data;
  made = Tensor(device, DataType::f32, {weight.out(), weight.in()});
  if (weight.format == WeightFormat::f32) {
    widen(weight.data, made.floats());
  } else {
    unpack(weight, made.floats());
  }
  return made.view().data;
}

// in and out f32
void blocked_product(Device& device, const LinearArgs& args, int64_t rows) {
  const int64_t out = args.weight.out();
  const int64_t in = args.weight.in();
  const bool bias = static_cast<bool>(args.bias);
  const bool residual = static_cast<bool>(args.residual);
  if (residual && args.residual.data != args.out.data)
    std::copy_n(args.residual.data, args.residual.bytes(), args.out.data);
  Tensor made_weight;
  const std::byte* weight = wide_weight(device, args.weight, made_weight);
  const dnnl::matmul multiply = product({rows, out, in, bias, args.activation, residual});
  static thread_local dnnl::stream stream(engine());
  const auto wrap = [](const memory::desc& description, const std::byte* data) {
    return memory(description, engine(), const_cast<std::byte*>(data));  // oneDNN takes no pointers to const
  };
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, wrap(memory::desc({rows, in}, f32, memory::format_tag::ab), args.in.data)},
      {DNNL_ARG_WEIGHTS, wrap(memory::desc({in, out}, f32, memory::format_tag::ba), weight)},
      {DNNL_ARG_DST, wrap(memory::desc({rows, out}, f32, memory::format_tag::ab), args.out.data)}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, wrap(memory::desc({1, out}, f32, memory::format_tag::ab), args.bias.data));
  multiply.execute(stream, arguments);
  stream.wait();
}

void panel_product(Device& device, const LinearArgs& args) {
  const ProductRows rows(device, args.in);
  const PanelProduct one{.weight = &args.weight,
                         .rows = &rows,
                         .count = rows.count(),
                         .bias = args.bias ? args.bias.as<float>() : nullptr,
                         .activation = args.activation,
                         .residual = args.residual ? args.residual.as<float>() : nullptr,
                         .out = args.out.data,
                         .type = args.out.type,
                         .out_stride = args.weight.out()};
  panel_products({&one, 1});
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
  const bool packed = args.weight.format != WeightFormat::f32;
  const bool narrow = args.in.type != DataType::f32 || args.out.type != DataType::f32;
  if (packed && (rows <= max_row_products || narrow || has_bf16_products())) {
    panel_product(device, args);
  } else if (narrow) {
    lowering::linear(device, args);  // exact weights have narrow values beside them in no model
  } else if (rows <= max_row_products) {
    few_rows(args, static_cast<int>(rows));
  } else {
    blocked_product(device, args, rows);
  }
}

}  // namespace lectern::cpu
