#include "checkpoint/weights.h"

#include <fmt/format.h>

#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern {

Matrix WeightLoader::matrix(const std::string& name, const Shape& shape, WeightFormat format) const {
  Matrix matrix;
  if (const auto packed = checkpoint_.packed(name, shape)) {
    const std::string place = checkpoint_.folder().string() + ": tensor " + name;
    if (packed->format != format) {
      throw Error(
          fmt::format("{} was packed as {}, but {} is asked for; give no --weights, or the model it was made of", place,
                      name_of(packed->format), name_of(format)));
    }
    try {
      matrix = device_.packed_matrix(packed->bytes, shape[0], shape.elements() / shape[0], format);
    } catch (const Error& error) {
      throw Error(place + " " + error.what());
    }
  } else {
    const TensorView weight = checkpoint_.weight(name, shape);
    matrix = device_.matrix(weight, format);
    if (matrix.storage) checkpoint_.forget(weight);
  }
  if (observer_) observer_(name, shape, matrix);
  return matrix;
}

std::vector<float> WeightLoader::values(const std::string& name, const Shape& shape) const {
  return floats_to_host(device_, vector(name, shape));
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
