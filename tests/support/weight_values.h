// The numbers of weights.
#pragma once

#include <vector>

#include "core/data_type.h"
#include "device/quantization.h"

namespace lectern::testing {

// f32 [out, in]
inline std::vector<float> floats_of(const WeightValues& weight) {
  std::vector<float> floats;
  const int64_t blocks = blocks_of(weight.in);
  for (int64_t row = 0; row < weight.out; ++row) {
    for (int64_t i = 0; i < weight.in; ++i) {
      if (!is_quantized(weight.format)) {
        floats.push_back(bf16_to_f32(weight.values[static_cast<size_t>(row * weight.in + i)]));
        continue;
      }
      const float scale = f16_to_f32(weight.scales[static_cast<size_t>(row * blocks + i / block_inputs)]);
      floats.push_back(scale *
                       static_cast<float>(weight.numbers[static_cast<size_t>(row * blocks * block_inputs + i)]));
    }
  }
  return floats;
}

}  // namespace lectern::testing
