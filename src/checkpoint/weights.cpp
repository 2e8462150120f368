#include "checkpoint/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/threads.h"
#include "device/host_values.h"
#include "device/quantization.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// The index of a value that is infinite or not a number, or -1. Bits has the exponent's bits of one value.
template <typename Bits>
int64_t find_infinite(const std::byte* data, int64_t count, Bits exponent) {
  std::atomic<int64_t> found = -1;
  parallel_shares(count, 1 << 16, [&](int64_t first, int64_t last) {
    constexpr int64_t stretch = 4096;
    Bits values[stretch];  // a mapped file's may be misaligned
    for (; first < last && found.load(std::memory_order_relaxed) < 0; first += stretch) {
      const int64_t some = std::min(stretch, last - first);
      std::memcpy(values, data + static_cast<size_t>(first) * sizeof(Bits), static_cast<size_t>(some) * sizeof(Bits));
      bool any = false;
      for (int64_t i = 0; i < some; ++i) any |= (values[i] & exponent) == exponent;
      for (int64_t i = 0; any && i < some; ++i) {
        if ((values[i] & exponent) == exponent) found = first + i;
      }
    }
  });
  return found;
}

int64_t find_infinite(const TensorView& weight) {
  const int64_t count = weight.shape.elements();
  switch (weight.type) {
    case DataType::f32: return find_infinite<uint32_t>(weight.data, count, 0x7f800000u);
    case DataType::bf16: return find_infinite<uint16_t>(weight.data, count, 0x7f80u);
    case DataType::f16: return find_infinite<uint16_t>(weight.data, count, 0x7c00u);
    default: return -1;
  }
}

}  // namespace

std::optional<Weight> WeightLoader::packed(const std::string& name, const Shape& shape, WeightFormat format,
                                           const Range& rows, const Range& columns) const {
  const auto packed = checkpoint_.packed(name, shape);
  if (!packed) return std::nullopt;
  const std::string place = checkpoint_.folder().string() + ": tensor " + name;
  if (packed->format != format) {
    throw Error(fmt::format("{} was packed as {}, but {} is asked for; give no `weights`, or the model it was made of",
                            place, name_of(packed->format), name_of(format)));
  }
  const int64_t out = shape[0], in = shape.elements() / shape[0];
  try {
    return rows.count == out && columns.count == in
               ? device_.packed_weight(packed->bytes, out, in, format)
               : device_.packed_part(packed->bytes, out, in, format, rows, columns);
  } catch (const Error& error) {
    throw Error(place + " " + error.what(), error.code());
  }
}

void WeightLoader::check_values(const std::string& name, const TensorView& weight, int64_t first_row,
                                WeightFormat format) const {
  const int64_t found = is_quantized(format) ? find_infinite(weight) : -1;
  if (found < 0) return;
  const int64_t columns = weight.shape.elements() / weight.shape[0];
  throw Error(
      fmt::format("{}: tensor {} holds infinity or no number in row {}, column {}, which {} cannot keep; take "
                  "weights as bf16, or get the model again",
                  checkpoint_.folder().string(), name, first_row + found / columns, found % columns, name_of(format)),
      ErrorCode::corrupt_input);
}

Weight WeightLoader::matrix(const std::string& name, const Shape& shape, WeightFormat format) const {
  Weight matrix;
  if (const auto ready = packed(name, shape, format, {0, shape[0]}, {0, shape.elements() / shape[0]})) {
    matrix = *ready;
  } else {
    const TensorView weight = checkpoint_.weight(name, shape);
    check_values(name, weight, 0, format);
    matrix = device_.make_weight(weight, format);
    if (matrix.storage) checkpoint_.forget(weight);
  }
  if (observer_) observer_(name, shape, matrix);
  return matrix;
}

Weight WeightLoader::rows(const std::string& name, const Shape& shape, const Range& rows, WeightFormat format) const {
  if (rows.count == shape[0]) return matrix(name, shape, format);
  if (const auto ready = packed(name, shape, format, rows, {0, shape[1]})) return *ready;
  const TensorView weight = checkpoint_.weight(name, shape).slice(rows.first, rows.count);
  check_values(name, weight, rows.first, format);
  Weight matrix = device_.make_weight(weight, format);
  if (matrix.storage) checkpoint_.forget(weight);
  return matrix;
}

WeightLoader::Columns WeightLoader::columns(const std::string& name, const Shape& shape, const Range& columns) const {
  if (columns.count == shape[1]) return {matrix(name, shape), 0};
  const int64_t before = before_part(format_, columns);
  if (const auto ready = packed(name, shape, format_, {0, shape[0]}, columns)) return {*ready, before};
  const TensorView weight = checkpoint_.weight(name, shape);
  check_values(name, weight, 0, format_);
  // Blocks that share a scale are quantized whole, as they are where nothing is taken apart.
  Range taken = columns;
  if (is_quantized(format_)) {
    taken.first -= before;
    taken.count = std::min(shape[1], blocks_of(columns.end()) * block_inputs) - taken.first;
  }
  const size_t size = size_of(weight.type);
  const size_t bytes = static_cast<size_t>(taken.count) * size;
  std::vector<std::byte> values(static_cast<size_t>(shape[0]) * bytes);
  for (int64_t row = 0; row < shape[0]; ++row) {
    std::memcpy(values.data() + static_cast<size_t>(row) * bytes,
                weight.data + static_cast<size_t>(row * shape[1] + taken.first) * size, bytes);
  }
  checkpoint_.forget(weight);
  const TensorView view(values.data(), weight.type, {shape[0], taken.count});
  if (taken == columns) return {kept(view), before};
  return {device_.pack(part_of(quantize(view, format_), {0, shape[0]}, {before, columns.count})), before};
}

Weight WeightLoader::zeros(const Shape& shape) const {
  const std::vector<float> values(static_cast<size_t>(shape.elements()), 0.0f);
  return kept(view_of_floats(values, shape));
}

Weight WeightLoader::kept(const TensorView& values) const {
  Weight matrix = device_.make_weight(values, format_);
  if (matrix.storage) return matrix;
  const auto own = std::make_shared<Tensor>(device_, values.type, values.shape);
  device_.upload(values.data, *own);
  matrix.data = own->view();
  matrix.storage = own;
  return matrix;
}

std::vector<float> WeightLoader::values(const std::string& name, const Shape& shape) const {
  return floats_to_host(device_, vector(name, shape));
}

WeightStack WeightLoader::stack(const std::vector<StackPart>& parts, int64_t in) const {
  int64_t values = 0;  // by the files: the configuration may claim anything
  bool packed = false;
  for (const auto& [name, out, rows] : parts) {
    packed |= checkpoint_.packed(name, {out, in}).has_value();
    if (packed) break;
    const int64_t all = checkpoint_.shape_of(name).elements();
    values += rows ? std::min(all, rows->count * in) : all;
  }
  if (!packed) device_.reserve(values, format_);
  std::vector<Weight> matrices;
  matrices.reserve(parts.size());
  for (const auto& [name, out, rows] : parts)
    matrices.push_back(this->rows(name, {out, in}, rows.value_or(Range{0, out}), format_));
  return device_.stack(std::move(matrices));
}

ExpertBank WeightLoader::experts(const std::vector<std::string>& prefixes, int64_t hidden) const {
  const int64_t inner = extent(prefixes.front() + "gate_proj.weight", 2, 0);
  std::vector<StackPart> gates_and_ups, downs;
  for (const std::string& prefix : prefixes) {
    gates_and_ups.push_back({prefix + "gate_proj.weight", inner});
    gates_and_ups.push_back({prefix + "up_proj.weight", inner});
    downs.push_back({prefix + "down_proj.weight", hidden});
  }
  return {stack(gates_and_ups, hidden), stack(downs, inner)};
}

int64_t WeightLoader::extent(const std::string& name, size_t rank, int index) const {
  const Shape shape = checkpoint_.shape_of(name);
  if (shape.rank() != rank || shape.elements() == 0) {
    throw Error(fmt::format("{}: tensor {} has shape {}, expected {} extents, none of them 0",
                            checkpoint_.folder().string(), name, to_string(shape), rank),
                ErrorCode::corrupt_input);
  }
  return shape[index];
}

}  // namespace lectern
