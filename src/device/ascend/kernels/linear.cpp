// Products with weights.
#include "device/ascend/kernels/kernels.h"
#include "device/device.h"

namespace lectern::ascend {
namespace {

// Weights of at most so many values are widened for a f32 input; for larger ones the input is narrowed.
constexpr int64_t most_widened = int64_t{1} << 22;

Tensor converted(Device& device, const TensorView& values, DataType type) {
  Tensor result(device, type, values.shape);
  copy_view(session_of(device), result.view(), values);
  return result;
}

// Input and weight in one type, that of the weight unless values could overflow it.
struct Factors {
  Factors(Device& device, const TensorView& in, const Matrix& matrix) : input(in), weight(matrix.data) {
    if (in.type == weight.type) return;
    if (in.type == DataType::f32 && weight.shape.elements() <= most_widened) {
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

// out [rows, out] = in * weight^T + bias, of one type, or out f32 where that is possible; else rounded on the way.
void multiply_add(Device& device, const Factors& factors, const TensorView& bias, const MutableTensorView& out) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = out.shape[0];
  const View in(factors.input, {rows, factors.weight.shape[1]});
  const View weight = transposed(factors.weight);
  const DataType type = factors.weight.type;
  if (bias && f.addmm && out.type == type) {
    const Tensor own = bias.type == type ? Tensor() : converted(device, bias, type);
    session.call(f.addmm, View(own ? TensorView(own) : bias), in, weight, Scalar{1}, Scalar{1}, View(out), keep_types);
    return;
  }
  if (out.type == type || (out.type == DataType::f32 && writes_wide_products(type))) {
    session.call(f.matmul, in, weight, View(out), keep_types);
  } else {
    const Tensor product(device, type, out.shape);
    session.call(f.matmul, in, weight, View(product.view()), keep_types);
    copy_view(session, out, product.view());
  }
  if (bias) session.call(f.inplace_add, View(out), View(bias), Scalar{1});
}

}  // namespace

void linear(Device& device, const LinearArgs& args) {
  Session& session = session_of(device);
  const int64_t rows = args.out.shape.rows();
  const int64_t width = args.weight.out();
  if (rows * width == 0) return;
  const Factors factors(device, args.in.reshaped({rows, args.weight.in()}), args.weight);
  const MutableTensorView out = args.out.reshaped({rows, width});
  if (!args.residual && args.activation == Activation::none) return multiply_add(device, factors, args.bias, out);
  // What is added to the residual may be too large for f16.
  const bool wide = args.residual && writes_wide_products(factors.weight.type);
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
