// Vector type of the Highway kernels, and loads that widen 16-bit formats. Included once a target.
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

template <typename Wide>
HWY_API void widen_from(const Wide* in, float* out, int64_t count) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(load_wide(d, in + i), d, out + i);
  for (; i < count; ++i) out[i] = widened(in[i]);
}

// bf16, to nearest, ties to even.
HWY_API void store_bf16(FloatTag /*d*/, hn::Vec<FloatTag> v, uint16_t* out) {
  const hn::RebindToUnsigned<FloatTag> d32;
  const hn::RebindToSigned<FloatTag> signed32;
  const hn::Rebind<uint16_t, FloatTag> d16;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7fff))));
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(signed32, rounded)), d16, out);
}

// Numbers -8 .. 7 from the low four bits of words: with 16 lanes by a look-up, otherwise by arithmetic.
struct Nibbles {
  hn::Vec<FloatTag> numbers(hn::Vec<hn::RebindToUnsigned<FloatTag>> words) const {
    const FloatTag d;
    const hn::RebindToUnsigned<FloatTag> d32;
    const auto index = hn::And(words, hn::Set(d32, 15));
#if HWY_TARGET <= HWY_AVX3
    HWY_ALIGN static constexpr float all[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
    return hn::TableLookupLanes(hn::Load(d, all), hn::IndicesFromVec(d, index));
#else
    const hn::RebindToSigned<FloatTag> signed32;
    return hn::Sub(hn::ConvertTo(d, hn::BitCast(signed32, index)), hn::Set(d, 8.0f));
#endif
  }
};

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
