// What the Highway kernels share: the vector type, and loads that widen 16-bit formats. Included once a target.
#if defined(LECTERN_CPU_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LECTERN_CPU_VECTOR_INL_H
#undef LECTERN_CPU_VECTOR_INL_H
#else
#define LECTERN_CPU_VECTOR_INL_H
#endif

#include <cmath>
#include <cstdint>

#include "core/data_type.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 floats, so that buffers padded to 16 suit every target.
using FloatTag = hn::CappedTag<float, 16>;

struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

inline float widened(float x) { return x; }
inline float widened(Bf16 x) { return bf16_to_f32(x.bits); }
inline float widened(F16 x) { return f16_to_f32(x.bits); }

HWY_API hn::Vec<FloatTag> load_wide(FloatTag d, const float* p) { return hn::LoadU(d, p); }

HWY_API hn::Vec<FloatTag> load_wide(FloatTag d, const Bf16* p) {
  const hn::Rebind<uint32_t, FloatTag> d32;
  const hn::Rebind<uint16_t, FloatTag> d16;
  const auto bits = hn::PromoteTo(d32, hn::LoadU(d16, &p->bits));
  return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

HWY_API hn::Vec<FloatTag> load_wide(FloatTag d, const F16* p) {
  const hn::Rebind<hwy::float16_t, FloatTag> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p)));
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
