// Rotation by position: the card's operator turns all heads of all rows by tables of cosines and sines, which the host
// makes once a step.
#include <fmt/format.h>

#include <cmath>

#include "device/ascend/kernels/kernels.h"
#include "device/host_values.h"
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
  const auto make = [&] {
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
    Tensor wide = from_host(device, values, {rows, size});
    if (type == DataType::f32) return wide;
    Tensor narrow(device, type, {rows, size});
    copy_view(session_of(device), narrow.view(), wide.view());
    return narrow;
  };
  const std::string key =
      fmt::format("{} {} {} {} {}", sine ? "sines" : "cosines", args.theta, rows, size, name_of(type));
  return {args.step.once(key, make), {1, rows, 1, size}};
}

}  // namespace

void rope(Device& device, const RopeArgs& args) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = args.x.shape[0];
  const int64_t size = args.x.shape[1] / args.heads;
  if (args.x.shape.elements() == 0) return;
  const bool fits = size == 64 || size == 128;
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
