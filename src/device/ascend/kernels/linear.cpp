// Products with weights.
#include "device/ascend/kernels/kernels.h"
#include "device/device.h"

namespace lectern::ascend {
namespace {

// Weights of at most so many values are widened for a f32 input; for larger ones the input is narrowed.
constexpr int64_t max_widened = int64_t{1} << 22;

Tensor converted(Device& device, const TensorView& values, DataType type) {
  Tensor result(device, type, values.shape);
  copy_view(session_of(device), result.view(), values);
  return result;
}

// Input and weight in one type, that of the weight unless values could overflow it.
struct Factors {
  Factors(Device& device, const TensorView& in, const Weight& matrix) : input(in), weight(matrix.data) {
    if (in.type == weight.type) return;
    if (in.type == DataType::f32 && weight.shape.elements() <= max_widened) {
      weight = other = converted(device, weight, DataType::f32);
    } else {
      input = other = converted(device, in, weight.type);
    }
  }
  TensorView input, weight;
  Tensor other;
};

void call_activation(Session& session, Activation activation, const View& in, const View& out) {
  const Functions& f = session.functions();
  switch (activation) {
    case Activation::none: return copy_view(session, out, in);
    case Activation::gelu: return session.call(f.gelu, in, int64_t{0}, out);
    case Activation::silu: return session.call(f.silu, in, out);
    case Activation::quick_gelu:
      return f.fast_gelu ? session.call(f.fast_gelu, in, out) : session.call(f.swish, in, Scalar{1.702f}, out);
  }
}

// out [rows, out] = in * weight^T + bias, of one type, or out f32: see product().
void multiply_add(Device& device, const Factors& factors, const TensorView& bias, const MutableTensorView& out) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = out.shape[0];
  const View in(factors.input, {rows, factors.weight.shape[1]});
  const View weight = transposed(factors.weight);
  const DataType type = factors.weight.type;
  if (bias && f.addmm && out.type == type) {
    const Narrowed narrowed(device, bias, type);
    return session.call(f.addmm, narrowed.view(), in, weight, Scalar{1}, Scalar{1}, View(out), keep_types);
  }
  if (bias && f.addmm && out.type == DataType::f32 && !writes_wide_products(session, type)) {
    const Narrowed narrowed(device, bias, type);
    const Tensor sum(device, type, out.shape);
    session.call(f.addmm, narrowed.view(), in, weight, Scalar{1}, Scalar{1}, View(sum.view()), keep_types);
    return copy_view(session, View(out), View(sum.view()));
  }
  product(device, in, weight, View(out));
  if (bias) session.call(f.inplace_add, View(out), View(bias), Scalar{1});
}

}  // namespace

Narrowed::Narrowed(Device& device, const TensorView& weight, DataType type) : view_(weight) {
  if (weight.type == type) return;
  Session& session = session_of(device);
  const View as_type(weight.data, acl_type(type), weight.shape.extents());
  const auto convert = [&](std::byte* to) {
    View target = as_type;
    target.data = to;
    copy_view(session, target, View(weight));
  };
  const auto bytes = static_cast<size_t>(weight.shape.elements()) * size_of(type);
  const uint64_t kind = uint64_t{narrow_copy} << 32 | static_cast<uint64_t>(weight.shape.elements());
  view_ = as_type;
  view_.data = session.derived(weight.data, kind, bytes, convert);
  if (view_.data != nullptr) return;
  own_ = Tensor(device, type, weight.shape);
  convert(own_.view().data);
  view_.data = own_.view().data;
}

void product(Device& device, const View& a, const View& b, const View& out) {
  Session& session = session_of(device);
  const auto& matmul = session.functions().matmul;
  if (out.type == a.type) return session.call(matmul, a, b, out, keep_types);
  if (a.type == ACL_FLOAT16 && session.widens_products()) {
    try {
      return session.call(matmul, a, b, out, keep_types);
    } catch (const CallFailure& failure) {
      if (!failure.is_refusal()) throw;
      session.widens_products(false);
    }
  }
  const Tensor narrow(device, a.type == ACL_FLOAT16 ? DataType::f16 : DataType::bf16, Shape{out.elements()});
  View rounded(narrow.view().data, a.type, std::span(out.extents.data(), out.rank));
  session.call(matmul, a, b, rounded, keep_types);
  copy_view(session, out, rounded);
}

void gated_linear(Device& device, const GatedLinearArgs& args) {
  const int64_t rows = args.out.shape[0];
  const int64_t inner = args.gate().out();
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const TensorView& weight = args.gate_up.together;
  if (weight && f.swi_glu && weight.type == args.in.type) {
    const Tensor both(device, args.in.type, {rows, 2 * inner});
    session.call(f.matmul, View(args.in, {rows, args.gate().in()}), transposed(weight), View(both.view()), keep_types);
    return session.call(f.swi_glu, View(both.view()), int64_t{-1}, View(args.out));
  }
  const Tensor gate(device, args.out.type, args.out.shape);
  const Tensor up(device, args.out.type, args.out.shape);
  device.linear({.in = args.in, .weight = args.gate(), .activation = Activation::silu, .out = gate});
  device.linear({.in = args.in, .weight = args.up(), .out = up});
  session.call(f.mul, View(gate.view()), View(up.view()), View(args.out));
}

void linear(Device& device, const LinearArgs& args) {
  Session& session = session_of(device);
  const int64_t rows = args.out.shape.rows();
  const int64_t width = args.weight.out();
  if (rows * width == 0) return;
  const Factors factors(device, args.in.reshaped({rows, args.weight.in()}), args.weight);
  const MutableTensorView out = args.out.reshaped({rows, width});
  if (!args.residual && args.activation == Activation::none) return multiply_add(device, factors, args.bias, out);
  // What is added to an f32 residual may be too large for f16.
  const bool wide = args.residual && out.type == DataType::f32 && writes_wide_products(session, factors.weight.type);
  const Tensor inner(device, wide ? DataType::f32 : factors.weight.type, out.shape);
  multiply_add(device, factors, args.bias, inner);
  if (!args.residual) return call_activation(session, args.activation, inner.view(), out);
  Tensor activated;
  if (args.activation != Activation::none) {
    activated = Tensor(device, inner.view().type, inner.shape());
    call_activation(session, args.activation, inner.view(), activated.view());
  }
  const View sum = activated ? activated.view() : inner.view();
  if (args.residual.data == args.out.data) {
    session.call(session.functions().inplace_add, View(out), sum, Scalar{1});
  } else {
    session.call(session.functions().add, View(args.residual.reshaped(out.shape)), sum, Scalar{1}, View(out));
  }
}

void gemm(Device& device, const GemmArgs& args) {
  if (args.out.shape.elements() == 0) return;
  multiply_add(device, Factors(device, args.in, args.weight), {}, args.out);
}

void activate(Device& device, const ActivateArgs& args) {
  if (args.activation == Activation::none || args.x.shape.elements() == 0) return;
  const Tensor result(device, args.x.type, args.x.shape);
  call_activation(session_of(device), args.activation, args.x, result.view());
  copy_view(session_of(device), args.x, result.view());
}

}  // namespace lectern::ascend
