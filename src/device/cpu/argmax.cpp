// The choice from logits, and how probable it was: one pass over them, on all threads.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/argmax.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/vector-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The largest number of x; minus infinity where there is none.
float largest_number(const float* x, int64_t count) {
  const FloatTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto larger = [](auto value, auto most) HWY_ATTR {
    return hn::IfThenElse(hn::Gt(value, most), value, most);  // a comparison with what is no number is false
  };
  const auto none = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto a = none, b = none, c = none, e = none;
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a = larger(hn::LoadU(d, x + i), a);
    b = larger(hn::LoadU(d, x + i + lanes), b);
    c = larger(hn::LoadU(d, x + i + 2 * lanes), c);
    e = larger(hn::LoadU(d, x + i + 3 * lanes), e);
  }
  float most = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(a, b), hn::Max(c, e))));
  for (; i < count; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

// The first place of `value`; -1 where it is not.
int32_t place_of(float value, const float* x, int64_t count) {
  const FloatTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto wanted = hn::Set(d, value);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto equal = hn::Eq(hn::LoadU(d, x + i), wanted);
    if (const intptr_t lane = hn::FindFirstTrue(d, equal); lane >= 0) return static_cast<int32_t>(i + lane);
  }
  for (; i < count; ++i) {
    if (x[i] == value) return static_cast<int32_t>(i);
  }
  return -1;
}

// The sum of exp(x[i] - most) over numbers; below -87 it is next to nothing.
double sum_of_exp(const float* x, int64_t count, float most) {
  const FloatTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t block = 8 * lanes;  // few enough for sums of f32
  const auto shift = hn::Set(d, most);
  const auto least = hn::Set(d, -87.0f);
  double sum = 0;
  int64_t i = 0;
  while (i + lanes <= count) {
    auto sums = hn::Zero(d);
    for (const int64_t end = std::min(i + block, count); i + lanes <= end; i += lanes) {
      const auto power = hn::Sub(hn::LoadU(d, x + i), shift);
      const auto counts = hn::Ge(power, least);
      sums = hn::Add(sums, hn::IfThenElseZero(counts, hn::Exp(d, hn::IfThenElseZero(counts, power))));
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  }
  for (; i < count; ++i) {
    if (x[i] - most >= -87.0f) sum += static_cast<double>(std::exp(x[i] - most));
  }
  return sum;
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
namespace {

HWY_EXPORT(largest_number);
HWY_EXPORT(place_of);
HWY_EXPORT(sum_of_exp);

// Fixed, so that sums do not depend on the number of threads; small enough to be read thrice from the nearest cache.
constexpr int64_t chunk_size = 4096;

// The place in x of the largest number that is not banned, of equal ones the first; -1 where there is none. `banned`
// ascends and counts from `base`.
int32_t largest_allowed(const float* x, int64_t count, std::span<const int32_t> banned, int64_t base) {
  auto next = banned.begin();
  int32_t best = -1;
  for (int32_t i = 0; i < count; ++i) {
    if (next != banned.end() && *next == base + i) {
      ++next;
    } else if (best < 0 ? !std::isnan(x[i]) : x[i] > x[best]) {
      best = i;
    }
  }
  return best;
}

}  // namespace

void argmax(Device&, const ArgmaxArgs& args) {
  const int64_t rows = args.logits.shape[0];
  const int64_t width = args.logits.shape[1];
  const int64_t chunks = (width + chunk_size - 1) / chunk_size;  // of a row
  const auto* logits = args.logits.as<float>();
  const std::span<const int32_t> banned(args.banned ? args.banned.as<int32_t>() : nullptr,
                                        args.banned ? static_cast<size_t>(args.banned.shape.elements()) : 0);
  struct Part {
    float largest = 0;     // number; minus infinity where there is none
    double sum = 0;        // of exp(logit - largest)
    int32_t allowed = -1;  // place in the row of the largest that is not banned
  };
  std::vector<Part> parts(static_cast<size_t>(rows * chunks));
  parallel_for(rows * chunks, [&](int64_t i) {
    const int64_t first = i % chunks * chunk_size;
    const int64_t base = i / chunks * width + first;
    const int64_t count = std::min(chunk_size, width - first);
    const float* const x = logits + base;
    Part part;
    part.largest = HWY_DYNAMIC_DISPATCH(largest_number)(x, count);
    if (std::isfinite(part.largest)) part.sum = HWY_DYNAMIC_DISPATCH(sum_of_exp)(x, count, part.largest);
    int32_t best = HWY_DYNAMIC_DISPATCH(place_of)(part.largest, x, count);
    if (best >= 0 && std::ranges::binary_search(banned, static_cast<int32_t>(base + best))) {
      const auto from = std::ranges::lower_bound(banned, static_cast<int32_t>(base));
      best = largest_allowed(x, count, {from, banned.end()}, base);
    }
    if (best >= 0) part.allowed = static_cast<int32_t>(first) + best;
    parts[static_cast<size_t>(i)] = part;
  });
  for (int64_t row = 0; row < rows; ++row) {
    const auto of_row = std::span(parts).subspan(static_cast<size_t>(row * chunks), static_cast<size_t>(chunks));
    const float* const x = logits + row * width;
    int32_t id = -1;
    float most = -std::numeric_limits<float>::infinity();
    for (const Part& part : of_row) {
      most = std::max(most, part.largest);
      if (part.allowed >= 0 && (id < 0 || x[part.allowed] > x[id])) id = part.allowed;
    }
    double sum = 0;
    for (const Part& part : of_row) {
      if (part.sum > 0) sum += part.sum * std::exp(static_cast<double>(part.largest) - static_cast<double>(most));
    }
    // Beside an infinite logit nothing else counts.
    const bool counts = id >= 0 && std::isfinite(most);
    args.ids.as<int32_t>()[row] = id;
    args.log_probabilities.as<float>()[row] =
        counts ? static_cast<float>(static_cast<double>(x[id]) - static_cast<double>(most) - std::log(sum)) : 0.0f;
  }
}

}  // namespace lectern::cpu
#endif
