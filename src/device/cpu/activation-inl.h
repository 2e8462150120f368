// Activations of vectors. Included once a target.
#if defined(LECTERN_CPU_ACTIVATION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LECTERN_CPU_ACTIVATION_INL_H
#undef LECTERN_CPU_ACTIVATION_INL_H
#else
#define LECTERN_CPU_ACTIVATION_INL_H
#endif

#include "device/cpu/vector-inl.h"
#include "device/operators/operators.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x / (1 + e^(-slope x))
template <class D>
HWY_API hn::Vec<D> sigmoid_times(D d, hn::Vec<D> x, float slope) {
  // Beyond 104 Exp is undefined; there it is infinite, and the quotient 0.
  const auto power = hn::Exp(d, hn::Min(hn::Mul(x, hn::Set(d, -slope)), hn::Set(d, 104.0f)));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), power));
}

// The error function to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
template <class D>
HWY_API hn::Vec<D> error_function(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f);
  const auto t = hn::Div(one, hn::MulAdd(hn::Abs(x), hn::Set(d, 0.3275911f), one));
  auto sum = hn::Set(d, 1.061405429f);
  for (const float factor : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f})
    sum = hn::MulAdd(sum, t, hn::Set(d, factor));
  const auto power = hn::Exp(d, hn::Max(hn::Neg(hn::Mul(x, x)), hn::Set(d, -104.0f)));
  return hn::CopySign(hn::NegMulAdd(hn::Mul(sum, t), power, one), x);
}

template <class D>
HWY_API hn::Vec<D> activated(D d, Activation activation, hn::Vec<D> x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::silu: return sigmoid_times(d, x, 1.0f);
    case Activation::quick_gelu: return sigmoid_times(d, x, 1.702f);
    case Activation::gelu: {
      const auto half = hn::Mul(x, hn::Set(d, 0.5f));
      return hn::MulAdd(half, error_function(d, hn::Mul(x, hn::Set(d, 0.70710678f))), half);
    }
  }
  return x;
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
