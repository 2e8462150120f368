// Devices that lack an operator, and values of narrower types, for the comparison of replacements with the CPU's own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "device/step_batch.h"
#include "support/values.h"

namespace lectern::testing {

// Calls body(device) for the CPU without the operator, and for the CPU without all that can be replaced.
template <typename Body>
void for_each_replacement(Operator which, const Body& body) {
  for (const std::string& without : {std::string(name_of(which)), std::string("all")}) {
    SCOPED_TRACE("without " + without);
    const std::unique_ptr<Device> device = make_cpu_device(parse_operators(without));
    ASSERT_NE(device->operators().lowering(which, DataType::f32), nullptr);
    body(*device);
  }
}

// Random values of a type, and the same in f32.
struct TypedValues {
  TypedValues(Random& random, DataType type, const Shape& extents, float scale = 1)
      : wide(random.values(extents.elements(), scale)), tensor(cpu_device(), type, extents) {
    cpu_device().copy({view_of(wide, extents), tensor});
    cpu_device().copy({tensor, view_of(wide, extents)});
  }
  TensorView f32() const { return view_of(wide, tensor.shape()); }

  std::vector<float> wide;
  Tensor tensor;
};

// Of any type that copy reads, as f32.
inline std::vector<float> floats_of(const TensorView& values) {
  std::vector<float> wide(static_cast<size_t>(values.shape.elements()));
  cpu_device().copy({values, view_of(wide, values.shape)});
  return wide;
}

// What storing a result in this type may change.
inline double rounding(DataType type) { return type == DataType::f32 ? 2e-5 : type == DataType::f16 ? 2e-3 : 1e-2; }

inline DataType any_type(Random& random) { return all_compute_types[random.bits() % all_compute_types.size()]; }

}  // namespace lectern::testing
