// packed.json beside the weights: format and original shape of every tensor that `lectern quantize` has packed. The
// tensor of that name in the .safetensors file then holds panels (device/cpu/matmul/panels.h).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/tensor.h"
#include "device/operators/operators.h"

namespace lectern {

inline constexpr const char* packed_file = "packed.json";

struct PackedTensors {
  struct Entry {
    WeightFormat format;
    Shape shape;
  };
  WeightFormat weights = WeightFormat::f32;           // as `lectern quantize` was asked for
  std::map<std::string, Entry, std::less<>> tensors;  // none: the model is as it was published
};

// "f32", "bf16", "q8" or "q4", and back. Throws Error for any other name.
WeightFormat weight_format(std::string_view name);
std::string_view name_of(WeightFormat format);

// Reads it from a model's folder; empty without such a file. Throws Error for a broken file or a later version.
PackedTensors read_packed(const std::filesystem::path& folder);
void write_packed(const std::filesystem::path& folder, const PackedTensors& packed);

}  // namespace lectern
