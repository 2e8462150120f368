// Norms, rotations, activations and the moving of rows: bound by memory, not by arithmetic.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/step_batch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/elementwise.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/activation-inl.h"
#include "device/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {

void widen_range(const TensorView& in, float* out, int64_t first, int64_t last) {
  switch (in.type) {
    case DataType::bf16: return widen_from(reinterpret_cast<const Bf16*>(in.data) + first, out + first, last - first);
    case DataType::f16: return widen_from(reinterpret_cast<const F16*>(in.data) + first, out + first, last - first);
    default: return widen_from(in.as<float>() + first, out + first, last - first);
  }
}

void narrow_range(const float* in, uint16_t* out, int64_t first, int64_t last) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = first;
  for (; i + lanes <= last; i += lanes) store_bf16(d, hn::LoadU(d, in + i), out + i);
  for (; i < last; ++i) out[i] = f32_to_bf16(in[i]);
}

// out[i] = combine(a[i], b[i]) for vectors and, at the end, for lanes of one.
template <typename Combine>
void combine(const float* a, const float* b, float* out, int64_t count, const Combine& pair) {
  const FloatTag d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(pair(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  for (; i < count; ++i) hn::StoreU(pair(one, hn::LoadU(one, a + i), hn::LoadU(one, b + i)), one, out + i);
}

void activate_values(Activation activation, float* x, int64_t count) {
  combine(x, x, x, count, [activation](auto d, auto value, auto) HWY_ATTR { return activated(d, activation, value); });
}

// The sum over i of (x[i] - shift) * (y[i] - shift).
float product_sum(const float* x, const float* y, float shift, int64_t count) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto less = hn::Set(d, shift);
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    sum = hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), less), hn::Sub(hn::LoadU(d, y + i), less), sum);
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += (x[i] - shift) * (y[i] - shift);
  return total;
}

float value_sum(const float* x, int64_t count) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, hn::LoadU(d, x + i));
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += x[i];
  return total;
}

// One row: (x - mean) * factor * weight + bias; without a bias the mean is taken as 0.
void norm_row(const NormArgs& args, int64_t row) {
  const int64_t width = args.in.shape[-1];
  const float* x = args.in.as<float>() + row * width;
  const float* weight = args.weight.as<float>();
  const float* bias = args.bias ? args.bias.as<float>() : nullptr;
  const float mean = bias != nullptr ? value_sum(x, width) / static_cast<float>(width) : 0.0f;
  const float factor = 1.0f / std::sqrt(product_sum(x, x, mean, width) / static_cast<float>(width) + args.epsilon);
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const bool wide = args.out.type == DataType::f32;
  std::byte* const out = args.out.data + static_cast<size_t>(row * width) * size_of(args.out.type);
  auto* const floats = reinterpret_cast<float*>(out);
  auto* const halves = reinterpret_cast<uint16_t*>(out);
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) {
    const auto normed = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, factor));
    const auto shift = bias != nullptr ? hn::LoadU(d, bias + i) : hn::Zero(d);
    const auto value = hn::MulAdd(normed, hn::LoadU(d, weight + i), shift);
    if (wide) {
      hn::StoreU(value, d, floats + i);
    } else {
      store_bf16(d, value, halves + i);
    }
  }
  for (; i < width; ++i) {
    const float value = (x[i] - mean) * factor * weight[i] + (bias != nullptr ? bias[i] : 0.0f);
    if (wide) {
      floats[i] = value;
    } else {
      halves[i] = f32_to_bf16(value);
    }
  }
}

// Both halves of one head: (a, b) -> (a cos - b sin, b cos + a sin).
void rotate(float* head, const float* cosine, const float* sine, int64_t half) {
  const FloatTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const auto a = hn::LoadU(d, head + i);
    const auto b = hn::LoadU(d, head + half + i);
    const auto c = hn::LoadU(d, cosine + i);
    const auto s = hn::LoadU(d, sine + i);
    hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), d, head + i);
    hn::StoreU(hn::MulAdd(b, c, hn::Mul(a, s)), d, head + half + i);
  }
  for (; i < half; ++i) {
    const float a = head[i];
    const float b = head[half + i];
    head[i] = a * cosine[i] - b * sine[i];
    head[half + i] = b * cosine[i] + a * sine[i];
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
namespace {

HWY_EXPORT(widen_range);
HWY_EXPORT(narrow_range);
HWY_EXPORT(activate_values);
HWY_EXPORT(norm_row);
HWY_EXPORT(rotate);

constexpr int64_t min_share = 16384;  // values; less is not worth a thread

// Cosines and sines of the positions 0 .. count - 1, for every second dimension of a head: [count][2][half].
struct Angles {
  float theta = 0;
  int64_t size = 0;
  int64_t count = 0;
  std::vector<float> values;
};

// Kept from earlier calls, where they are enough: every layer of a step asks for the same, and an encoder and a decoder
// take turns.
std::shared_ptr<const Angles> angles_of(float theta, int64_t size, int64_t positions) {
  constexpr size_t max_kept = 4;
  static std::mutex mutex;
  static std::vector<std::shared_ptr<const Angles>> kept;  // the latest first
  const std::lock_guard lock(mutex);
  const auto of_kind = [&](const auto& angles) { return angles->theta == theta && angles->size == size; };
  const auto found = std::ranges::find_if(kept, of_kind);
  if (found != kept.end() && (*found)->count >= positions) return *found;
  if (found != kept.end()) kept.erase(found);
  const int64_t half = size / 2;
  const auto made = std::make_shared<Angles>();
  made->theta = theta;
  made->size = size;
  made->count = (positions + 1023) / 1024 * 1024;
  made->values.resize(static_cast<size_t>(made->count * 2 * half));
  std::vector<float> speed(static_cast<size_t>(half));
  for (int64_t i = 0; i < half; ++i) {
    speed[static_cast<size_t>(i)] =
        static_cast<float>(std::pow(theta, -static_cast<double>(2 * i) / static_cast<double>(size)));
  }
  parallel_shares(made->count, 64, [&](int64_t first, int64_t last_position) {
    for (int64_t position = first; position < last_position; ++position) {
      float* const to = made->values.data() + 2 * half * position;
      for (int64_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(position) * speed[static_cast<size_t>(i)];
        to[i] = std::cos(angle);
        to[half + i] = std::sin(angle);
      }
    }
  });
  if (kept.size() == max_kept) kept.pop_back();
  kept.insert(kept.begin(), made);
  return made;
}

void norm_rows(const NormArgs& args) {
  const int64_t width = args.in.shape[-1];
  parallel_shares(args.in.shape.rows(), std::max<int64_t>(1, min_share / width), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) HWY_DYNAMIC_DISPATCH(norm_row)(args, row);
  });
}

}  // namespace

void widen(const TensorView& in, float* out) {
  parallel_shares(in.shape.elements(), min_share, [&](int64_t first, int64_t last) {
    HWY_DYNAMIC_DISPATCH(widen_range)(in, out, first, last);
  });
}

void widen_row(const TensorView& in, int64_t row, float* out) {
  const int64_t width = in.shape[0] == 0 ? 0 : in.shape.elements() / in.shape[0];
  HWY_DYNAMIC_DISPATCH(widen_range)(in.slice(row, 1), out, 0, width);
}

void narrow_row(const TensorView& in, int64_t row, uint16_t* out) {
  const int64_t width = in.shape[0] == 0 ? 0 : in.shape.elements() / in.shape[0];
  if (in.type == DataType::bf16) {
    std::copy_n(in.as<uint16_t>() + row * width, width, out);
  } else {
    HWY_DYNAMIC_DISPATCH(narrow_range)(in.as<float>() + row * width, out, 0, width);
  }
}

void activate(Activation activation, float* x, int64_t count) {
  if (activation != Activation::none) HWY_DYNAMIC_DISPATCH(activate_values)(activation, x, count);
}

void layer_norm(Device&, const NormArgs& args) { norm_rows(args); }
void rms_norm(Device&, const NormArgs& args) { norm_rows(args); }

void rope(Device&, const RopeArgs& args) {
  const int64_t width = args.x.shape[1];
  const int64_t size = width / args.heads;
  const int64_t half = size / 2;
  int64_t positions = 0;
  for (const SequenceRows& sequence : args.step.sequences())
    positions = std::max(positions, sequence.position + sequence.rows);
  const std::shared_ptr<const Angles> angles = angles_of(args.theta, size, positions);
  struct Place {
    int64_t row, position;
  };
  std::vector<Place> places;
  for (const SequenceRows& sequence : args.step.sequences()) {
    for (int64_t i = 0; i < sequence.rows; ++i) places.push_back({sequence.first_row + i, sequence.position + i});
  }
  const auto count = static_cast<int64_t>(places.size());
  const bool narrow = args.x.type == DataType::bf16;
  parallel_shares(count, std::max<int64_t>(1, min_share / width), [&](int64_t first, int64_t last) {
    std::vector<float> wide(static_cast<size_t>(narrow ? width : 0));
    for (int64_t i = first; i < last; ++i) {
      const Place& place = places[static_cast<size_t>(i)];
      const float* const cosine = angles->values.data() + 2 * half * place.position;
      float* const x = narrow ? wide.data() : args.x.as<float>() + place.row * width;
      if (narrow) HWY_DYNAMIC_DISPATCH(widen_range)(args.x.slice(place.row, 1), x, 0, width);
      for (int head = 0; head < args.heads; ++head)
        HWY_DYNAMIC_DISPATCH(rotate)(x + head * size, cosine, cosine + half, half);
      if (narrow) HWY_DYNAMIC_DISPATCH(narrow_range)(x, args.x.as<uint16_t>() + place.row * width, 0, width);
    }
  });
}

void embed(Device&, const EmbedArgs& args) {
  const int64_t width = args.table.in();
  const TensorView ids = args.step.ids();
  const TensorView picture_rows = args.step.picture_rows();
  const auto picture_row = [&](int64_t row) {
    const TensorView* picture = args.pictures.data();
    for (; row >= picture->shape[0]; ++picture) row -= picture->shape[0];
    return picture->as<float>() + row * width;
  };
  parallel_shares(args.out.shape[0], 16, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float* const out = args.out.as<float>() + i * width;
      if (const int32_t row = picture_rows.as<int32_t>()[i]; row >= 0) {
        std::copy_n(picture_row(row), width, out);
      } else {
        HWY_DYNAMIC_DISPATCH(widen_range)(args.table.data.slice(ids.as<int32_t>()[i], 1), out, 0, width);
      }
    }
  });
}

void gather(Device&, const GatherArgs& args) {
  const int64_t width = args.table.in();
  const auto* indices = args.indices.as<int32_t>();
  for (int64_t i = 0; i < args.indices.shape.elements(); ++i) {
    const TensorView row = args.table.data.slice(indices[i], 1);
    HWY_DYNAMIC_DISPATCH(widen_range)(row, args.out.as<float>() + i * width, 0, width);
  }
}

void normalize_pixels(Device&, const NormalizePixelsArgs& args) {
  float value[256];
  for (int i = 0; i < 256; ++i) value[i] = (static_cast<float>(i) / 255.0f - 0.5f) / 0.5f;
  const auto* levels = args.in.as<uint8_t>();
  float* const out = args.out.as<float>();
  parallel_shares(args.in.shape.elements(), min_share, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) out[i] = value[levels[i]];
  });
}

void im2col(Device&, const Im2colArgs& args) {
  const int64_t height = args.in.shape[1];
  const int64_t width = args.in.shape[2];
  const int64_t channels = args.in.shape[3];
  const int64_t reach = args.dilation * (args.kernel - 1) + 1;
  const int64_t out_height = (height + 2 * args.padding - reach) / args.stride + 1;
  const int64_t out_width = (width + 2 * args.padding - reach) / args.stride + 1;
  const int64_t places = args.kernel * args.kernel;
  const float* in = args.in.as<float>();
  const int64_t size = channels * places;  // of a row
  parallel_for(args.in.shape[0] * out_height, [&](int64_t line) {
    const int64_t view = line / out_height;
    const bool wide = args.out.type == DataType::f32;
    std::vector<float> buffer(wide ? 0 : static_cast<size_t>(size));
    for (int64_t x = 0; x < out_width; ++x) {
      const int64_t at = (line * out_width + x) * size;
      float* const out = wide ? args.out.as<float>() + at : buffer.data();
      for (int64_t place = 0; place < places; ++place) {
        const int64_t row = line % out_height * args.stride - args.padding + place / args.kernel * args.dilation;
        const int64_t column = x * args.stride - args.padding + place % args.kernel * args.dilation;
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        const float* from = in + ((view * height + row) * width + column) * channels;
        for (int64_t c = 0; c < channels; ++c) out[c * places + place] = inside ? from[c] : 0.0f;
      }
      if (!wide) HWY_DYNAMIC_DISPATCH(narrow_range)(out, args.out.as<uint16_t>() + at, 0, size);
    }
  });
}

}  // namespace lectern::cpu
#endif
