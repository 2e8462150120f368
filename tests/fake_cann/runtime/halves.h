// The 16-bit float types, one number and many.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

#include "core/data_type.h"

namespace fake_cann {

inline float half_to_float(uint16_t bits) { return lectern::f16_to_f32(bits); }

// Rounds to nearest, ties to even.
inline uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude < 0x38800000u) {                                               // subnormal: in units of 2^-24
    const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f + 0x1p23f;  // the addition rounds
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(scaled) & 0x7ffu));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

#if defined(__x86_64__)
[[gnu::target("avx,f16c")]] inline size_t halves_to_floats_by_eight(const uint16_t* in, size_t count, float* out) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i))));
  }
  return i;
}
[[gnu::target("avx,f16c")]] inline size_t floats_to_halves_by_eight(const float* in, size_t count, uint16_t* out) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  }
  return i;
}
// Processors with AVX2 have F16C, which clang 14 cannot ask for.
inline bool converts_by_eight() { return __builtin_cpu_supports("avx2") != 0; }
#else
inline size_t halves_to_floats_by_eight(const uint16_t*, size_t, float*) { return 0; }
inline size_t floats_to_halves_by_eight(const float*, size_t, uint16_t*) { return 0; }
inline bool converts_by_eight() { return false; }
#endif

inline void halves_to_floats(const uint16_t* in, size_t count, float* out) {
  size_t i = converts_by_eight() ? halves_to_floats_by_eight(in, count, out) : 0;
  for (; i < count; ++i) out[i] = half_to_float(in[i]);
}

inline void floats_to_halves(const float* in, size_t count, uint16_t* out) {
  size_t i = converts_by_eight() ? floats_to_halves_by_eight(in, count, out) : 0;
  for (; i < count; ++i) out[i] = float_to_half(in[i]);
}

}  // namespace fake_cann
