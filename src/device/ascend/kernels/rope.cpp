// Rotation by position: the card's operator turns all heads of all rows by tables of cosines and sines, which the host
// makes once a step.
#include <fmt/format.h>

#include <cmath>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"
#include "device/step_batch.h"

namespace lectern::ascend {
namespace {

// Sines or cosines [1, rows, 1, size] of a step, both halves of a head alike: the same for every layer, and for queries
// and keys.
View table_of(Device& device, const RopeArgs& args, bool sine) {
  const int64_t rows = args.x.shape[0];
  const int64_t size = args.x.shape[1] / args.heads;
  const int64_t half = size / 2;
  const DataType type = args.x.type;
  const auto fill = [&](const MutableTensorView& table) {
    std::vector<float> values(static_cast<size_t>(rows * size), sine ? 0.0f : 1.0f);
    for (int64_t i = 0; i < half; ++i) {
      const auto speed =
          static_cast<float>(std::pow(args.theta, -static_cast<double>(2 * i) / static_cast<double>(size)));
      for (const SequenceRows& s : args.step.sequences()) {
        for (int64_t row = 0; row < s.rows; ++row) {
          float* line = values.data() + (s.first_row + row) * size;
          const float angle = static_cast<float>(s.position + row) * speed;
          line[i] = line[i + half] = sine ? std::sin(angle) : std::cos(angle);
        }
      }
    }
    if (type == DataType::f32) return device.upload(values.data(), table);
    std::vector<uint16_t> halves;
    halves.reserve(values.size());
    for (const float x : values) halves.push_back(type == DataType::f16 ? f32_to_f16(x) : f32_to_bf16(x));
    device.upload(halves.data(), table);
  };
  const std::string key =
      fmt::format("{} {} {} {} {}", sine ? "sines" : "cosines", args.theta, rows, size, name_of(type));
  return {args.step.once(key, type, {rows, size}, fill), {1, rows, 1, size}};
}

bool fits_both(const Session& session, int64_t size) {
  return size == 128 || (size == 64 && session.turns_heads_of_64());
}

}  // namespace

void rope_both(Device& device, const RopeArgs& queries, const RopeArgs& keys) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = queries.x.shape[0];
  const int64_t size = queries.x.shape[1] / queries.heads;
  if (!fits_both(session, size) || !f.apply_rotary) {
    device.rope(queries);
    return device.rope(keys);
  }
  constexpr int64_t by_rows = 1;  // [batch, rows, heads, size]
  session.call(f.apply_rotary, View(queries.x, {1, rows, queries.heads, size}),
               View(keys.x, {1, rows, keys.heads, size}), table_of(device, queries, false),
               table_of(device, queries, true), by_rows);
}

void rope(Device& device, const RopeArgs& args) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = args.x.shape[0];
  const int64_t size = args.x.shape[1] / args.heads;
  if (args.x.shape.elements() == 0) return;
  const bool fits = fits_both(session, size);
  if (!(fits && f.apply_rotary) && !f.rotary) return lowering::rope(device, args);
  const View x(args.x, {1, rows, args.heads, size});
  const View cosines = table_of(device, args, false);
  const View sines = table_of(device, args, true);
  if (fits && f.apply_rotary) {
    // It turns queries and keys together; a single head stands in for the others.
    const Tensor other(device, args.x.type, {rows, size});
    constexpr int64_t by_rows = 1;  // [batch, rows, heads, size]
    return session.call(f.apply_rotary, x, View(other, {1, rows, 1, size}), cosines, sines, by_rows);
  }
  const Tensor turned(device, args.x.type, args.x.shape);
  constexpr int64_t halves = 0;
  session.call(f.rotary, x, cosines, sines, halves, View(turned, {1, rows, args.heads, size}));
  copy_view(session, args.x, turned.view());
}

}  // namespace lectern::ascend
