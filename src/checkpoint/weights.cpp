#include "checkpoint/weights.h"

#include <fmt/format.h>

#include "lectern/error.h"

namespace lectern {

std::vector<float> WeightLoader::values(const std::string& name, const Shape& shape) const {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  device_.read(vector(name, shape), values.data());
  return values;
}

int64_t WeightLoader::extent(const std::string& name, size_t rank, int index) const {
  const Shape shape = checkpoint_.shape_of(name);
  if (shape.rank() != rank || shape.elements() == 0) {
    throw Error(fmt::format("{}: tensor {} has shape {}, expected {} extents, none of them 0",
                            checkpoint_.folder().string(), name, to_string(shape), rank));
  }
  return shape[index];
}

}  // namespace lectern
