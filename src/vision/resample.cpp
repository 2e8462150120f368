// Separable convolution with 8-bit pixels and fixed-point weights, the horizontal pass first. One kernel serves both
// passes: it adds up weighted rows of bytes. For the horizontal pass, blocks of rows are turned on their side.
//
// Pillow 13 starts with the vertical pass when the height shrinks much more than the width (its pull request 9549),
// which changes last bits of some pictures. The published model was trained with older versions, and so it is here.
#include "vision/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/threads.h"
#include "lectern/error.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/resample.cpp"
#include <hwy/foreach_target.h>
// clang-format on
#include <hwy/highway.h>

#ifndef LECTERN_VISION_RESAMPLE_CONSTANTS
#define LECTERN_VISION_RESAMPLE_CONSTANTS
namespace lectern {
// Bits behind the point: 32, less 8 of the pixel, less 2 for sums that leave the range of a pixel.
constexpr int weight_bits = 32 - 8 - 2;
}  // namespace lectern
#endif

HWY_BEFORE_NAMESPACE();
namespace lectern {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[i] = the sum over k < taps of weights[k] * in[k * stride + i], rounded and clipped to a byte; i < count.
void weighted_sum(const uint8_t* in, size_t stride, const int32_t* weights, int taps, uint8_t* out, size_t count) {
  const hn::ScalableTag<int32_t> d32;
  const hn::Rebind<uint8_t, decltype(d32)> d8;
  const size_t lanes = hn::Lanes(d32);
  const auto half = hn::Set(d32, 1 << (weight_bits - 1));
  size_t i = 0;
  for (; i + 3 * lanes <= count; i += 3 * lanes) {
    auto sum0 = half, sum1 = half, sum2 = half;
    const uint8_t* from = in + i;
    for (int k = 0; k < taps; ++k, from += stride) {
      const auto weight = hn::Set(d32, weights[k]);
      sum0 = hn::Add(sum0, hn::Mul(weight, hn::PromoteTo(d32, hn::LoadU(d8, from))));
      sum1 = hn::Add(sum1, hn::Mul(weight, hn::PromoteTo(d32, hn::LoadU(d8, from + lanes))));
      sum2 = hn::Add(sum2, hn::Mul(weight, hn::PromoteTo(d32, hn::LoadU(d8, from + 2 * lanes))));
    }
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<weight_bits>(sum0)), d8, out + i);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<weight_bits>(sum1)), d8, out + i + lanes);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<weight_bits>(sum2)), d8, out + i + 2 * lanes);
  }
  for (; i < count; ++i) {
    int32_t sum = 1 << (weight_bits - 1);
    for (int k = 0; k < taps; ++k) sum += weights[k] * in[static_cast<size_t>(k) * stride + i];
    out[i] = static_cast<uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lectern
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern {
namespace {

HWY_EXPORT(weighted_sum);

// The weights of one axis: output i is made of the inputs first[i] .. first[i] + count[i] - 1.
struct Axis {
  int taps = 0;  // room for weights of one output
  std::vector<int> first, count;
  std::vector<int32_t> weights;  // [outputs, taps], fixed point
  const int32_t* of(int i) const { return weights.data() + static_cast<size_t>(i) * static_cast<size_t>(taps); }
};

// Cubic convolution, R. G. Keys, 1981 (IEEE Trans. ASSP 29, 1153-1160, equation 15), with a = -1/2.
double keys_cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

// Pillow's rules (src/libImaging/Resample.c, precompute_coeffs and normalize_coeffs_8bpc): when shrinking, the filter
// is stretched by the scale; taps outside the picture are left out and the rest brought to a sum of 1. The order of
// the operations below decides on last bits.
Axis make_axis(int inputs, int outputs) {
  const double scale = static_cast<double>(inputs) / outputs;
  const double stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  const double shrink = 1.0 / stretch;
  Axis axis;
  axis.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  axis.first.resize(static_cast<size_t>(outputs));
  axis.count.resize(static_cast<size_t>(outputs));
  axis.weights.resize(static_cast<size_t>(outputs) * static_cast<size_t>(axis.taps));
  std::vector<double> raw(static_cast<size_t>(axis.taps));
  for (int i = 0; i < outputs; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), inputs) - first;
    double total = 0.0;
    for (int k = 0; k < count; ++k) {
      raw[static_cast<size_t>(k)] = keys_cubic((k + first - center + 0.5) * shrink);
      total += raw[static_cast<size_t>(k)];
    }
    int32_t* weights = axis.weights.data() + static_cast<size_t>(i) * static_cast<size_t>(axis.taps);
    for (int k = 0; k < count; ++k) {
      const double weight = total != 0.0 ? raw[static_cast<size_t>(k)] / total : raw[static_cast<size_t>(k)];
      weights[k] = static_cast<int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << weight_bits));
    }
    axis.first[static_cast<size_t>(i)] = first;
    axis.count[static_cast<size_t>(i)] = count;
  }
  return axis;
}

constexpr int block_rows = 16;
constexpr size_t block_bytes = block_rows * 3;  // one column of a block

// Blocks of 16 rows are copied as [column, row, 3], so that neighbouring pixels of a row lie block_bytes apart and the
// kernel works on 16 rows at once.
Picture resize_rows(const Picture& in, int width) {
  const Axis axis = make_axis(in.width, width);
  Picture out(width, in.height);
  const size_t block_size = static_cast<size_t>(in.width) * block_bytes;
  const int blocks = (in.height + block_rows - 1) / block_rows;
  const int shares = std::min(threads(), blocks);
  std::vector<uint8_t> scratch(block_size * static_cast<size_t>(shares));
  const auto resize_block = [&](int b, uint8_t* block) {
    const int top = b * block_rows, rows = std::min(block_rows, in.height - top);
    for (int r = 0; r < rows; ++r) {
      const uint8_t* from = in.row(top + r);
      uint8_t* to = block + r * 3;
      for (int x = 0; x < in.width; ++x, from += 3, to += block_bytes) std::memcpy(to, from, 3);
    }
    uint8_t column[block_bytes];
    for (int x = 0; x < width; ++x) {
      const auto i = static_cast<size_t>(x);
      const uint8_t* from = block + static_cast<size_t>(axis.first[i]) * block_bytes;
      HWY_DYNAMIC_DISPATCH(weighted_sum)(from, block_bytes, axis.of(x), axis.count[i], column, block_bytes);
      for (int r = 0; r < rows; ++r) std::memcpy(out.row(top + r) + i * 3, column + r * 3, 3);
    }
  };
  parallel_for(shares, [&](int64_t share) {
    uint8_t* block = scratch.data() + block_size * static_cast<size_t>(share);
    for (int64_t b = blocks * share / shares; b < blocks * (share + 1) / shares; ++b) {
      resize_block(static_cast<int>(b), block);
    }
  });
  return out;
}

Picture resize_columns(const Picture& in, int height) {
  const Axis axis = make_axis(in.height, height);
  Picture out(in.width, height);
  const size_t stride = static_cast<size_t>(in.width) * 3;
  parallel_shares(height, 1, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const auto i = static_cast<size_t>(row);
      const int y = static_cast<int>(row);
      HWY_DYNAMIC_DISPATCH(weighted_sum)(in.row(axis.first[i]), stride, axis.of(y), axis.count[i], out.row(y), stride);
    }
  });
  return out;
}

}  // namespace

Picture resize_bicubic(const Picture& picture, int width, int height) {
  if (picture.width <= 0 || picture.height <= 0 || width <= 0 || height <= 0) {
    throw Error("cannot resize a picture of " + std::to_string(picture.width) + " x " + std::to_string(picture.height) +
                " pixels to " + std::to_string(width) + " x " + std::to_string(height) +
                ": every side must be at least 1");
  }
  if (picture.width == width && picture.height == height) return picture;
  if (picture.width == width) return resize_columns(picture, height);
  if (picture.height == height) return resize_rows(picture, width);
  return resize_columns(resize_rows(picture, width), height);
}

}  // namespace lectern
#endif  // HWY_ONCE
