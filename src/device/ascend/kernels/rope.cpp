// Rotation by position: the card's operator turns all heads of all rows by tables of cosines and sines, which the host
// makes once for the positions of a step.
#include <fmt/format.h>

#include <cmath>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::ascend {
namespace {

uint16_t narrowed(float value, DataType type) { return type == DataType::f16 ? f32_to_f16(value) : f32_to_bf16(value); }

// [1, rows, 1, size], both halves of a head alike.
View table_of(Session& session, const RopeArgs& args, bool sine) {
  const int64_t rows = args.x.shape[0];
  const int64_t size = args.x.shape[1] / args.heads;
  const int64_t half = size / 2;
  const DataType type = args.x.type;
  const std::string name =
      fmt::format("{} {} {} {} {}", sine ? "sines" : "cosines", args.theta, rows, size, name_of(type));
  std::string content;
  for (const SequenceRows& s : args.sequences) {
    for (const int64_t value : {s.first_row, s.rows, s.position})
      content.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  const size_t bytes = static_cast<size_t>(rows * size) * size_of(type);
  std::vector<std::byte> table;
  const auto make = [&] {
    std::vector<float> values(static_cast<size_t>(rows * size), sine ? 0.0f : 1.0f);
    for (const SequenceRows& s : args.sequences) {
      for (int64_t row = 0; row < s.rows; ++row) {
        float* line = values.data() + (s.first_row + row) * size;
        for (int64_t i = 0; i < half; ++i) {
          const auto speed =
              static_cast<float>(std::pow(args.theta, -static_cast<double>(2 * i) / static_cast<double>(size)));
          const float angle = static_cast<float>(s.position + row) * speed;
          line[i] = line[i + half] = sine ? std::sin(angle) : std::cos(angle);
        }
      }
    }
    table.resize(bytes);
    if (type == DataType::f32) {
      std::copy_n(reinterpret_cast<const std::byte*>(values.data()), bytes, table.data());
    } else {
      auto* to = reinterpret_cast<uint16_t*>(table.data());
      for (size_t i = 0; i < values.size(); ++i) to[i] = narrowed(values[i], type);
    }
  };
  const std::byte* data = session.constant(name, content, bytes, [&](std::byte* to, size_t first, size_t count) {
    if (table.empty()) make();
    std::copy_n(table.data() + first, count, to);
  });
  return {data, acl_type(type), {1, rows, 1, size}};
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
  const View cosines = table_of(session, args, false);
  const View sines = table_of(session, args, true);
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
