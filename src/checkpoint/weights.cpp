#include "checkpoint/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/threads.h"
#include "device/host_values.h"
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

Matrix WeightLoader::matrix(const std::string& name, const Shape& shape, WeightFormat format) const {
  Matrix matrix;
  if (const auto packed = checkpoint_.packed(name, shape)) {
    const std::string place = checkpoint_.folder().string() + ": tensor " + name;
    if (packed->format != format) {
      throw Error(
          fmt::format("{} was packed as {}, but {} is asked for; give no `weights`, or the model it was made of", place,
                      name_of(packed->format), name_of(format)));
    }
    try {
      matrix = device_.packed_matrix(packed->bytes, shape[0], shape.elements() / shape[0], format);
    } catch (const Error& error) {
      throw Error(place + " " + error.what(), error.code());
    }
  } else {
    const TensorView weight = checkpoint_.weight(name, shape);
    const bool quantized = format == WeightFormat::q8 || format == WeightFormat::q4;
    if (const int64_t found = quantized ? find_infinite(weight) : -1; found >= 0) {
      const int64_t columns = shape.elements() / shape[0];
      throw Error(
          fmt::format("{}: tensor {} holds infinity or no number in row {}, column {}, which {} cannot keep; take "
                      "weights as bf16, or get the model again",
                      checkpoint_.folder().string(), name, found / columns, found % columns, name_of(format)),
          ErrorCode::corrupt_input);
    }
    matrix = device_.matrix(weight, format);
    if (matrix.storage) checkpoint_.forget(weight);
  }
  if (observer_) observer_(name, shape, matrix);
  return matrix;
}

std::vector<float> WeightLoader::values(const std::string& name, const Shape& shape) const {
  return floats_to_host(device_, vector(name, shape));
}

WeightStack WeightLoader::stack(const std::vector<std::pair<std::string, int64_t>>& parts, int64_t in) const {
  int64_t values = 0;  // by the files: the configuration may claim anything
  bool packed = false;
  for (const auto& [name, out] : parts) {
    packed |= checkpoint_.packed(name, {out, in}).has_value();
    if (!packed) values += checkpoint_.shape_of(name).elements();
  }
  if (!packed) device_.reserve(values, format_);
  std::vector<Matrix> matrices;
  matrices.reserve(parts.size());
  for (const auto& [name, out] : parts) matrices.push_back(matrix(name, {out, in}));
  return device_.stack(std::move(matrices));
}

ExpertBank WeightLoader::experts(const std::vector<std::string>& prefixes, int64_t hidden) const {
  const int64_t inner = extent(prefixes.front() + "gate_proj.weight", 2, 0);
  std::vector<std::pair<std::string, int64_t>> gates_and_ups, downs;
  for (const std::string& prefix : prefixes) {
    gates_and_ups.emplace_back(prefix + "gate_proj.weight", inner);
    gates_and_ups.emplace_back(prefix + "up_proj.weight", inner);
    downs.emplace_back(prefix + "down_proj.weight", hidden);
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
