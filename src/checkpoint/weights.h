// Weights on their device, taken from a checkpoint by name and checked for their shape.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/range.h"
#include "device/host_values.h"

namespace lectern {

struct LinearWeights {
  Weight weight;  // [out, in]
  Tensor bias;    // [out], or empty
};

struct NormWeights {
  Tensor weight;  // [width]
  Tensor bias;    // [width], or empty
};

// Both the checkpoint and the device must outlive what is loaded. Throws Error for a tensor that is missing or has
// another shape than expected.
class WeightLoader {
 public:
  using Observer = std::function<void(const std::string& name, const Shape& shape, const Weight&)>;

  // `format` is what matrices are kept in, unless one is asked for with its own. The observer sees each when it is
  // made.
  WeightLoader(const Checkpoint& checkpoint, Device& device, WeightFormat format, Observer observer = {})
      : checkpoint_(checkpoint), device_(device), format_(format), observer_(std::move(observer)) {}

  const Checkpoint& checkpoint() const { return checkpoint_; }
  Device& device() const { return device_; }
  WeightFormat format() const { return format_; }

  Weight matrix(const std::string& name, const Shape& shape) const { return matrix(name, shape, format_); }
  Weight matrix(const std::string& name, const Shape& shape, WeightFormat format) const;
  // Some rows, or some columns, of a matrix, with exactly the numbers that they have in the whole. Columns may come
  // after columns of zeros.
  struct Columns {
    Weight matrix;
    int64_t before = 0;
  };
  Weight rows(const std::string& name, const Shape& shape, const Range& rows, WeightFormat format) const;
  Columns columns(const std::string& name, const Shape& shape, const Range& columns) const;
  Weight zeros(const Shape& shape) const;
  Tensor vector(const std::string& name, const Shape& shape) const {
    return floats_from_host(device_, checkpoint_.weight(name, shape));
  }
  // In the host's memory.
  std::vector<float> values(const std::string& name, const Shape& shape) const;
  LinearWeights linear(const std::string& name, int64_t out, int64_t in) const {
    return {matrix(name + ".weight", {out, in}), vector(name + ".bias", {out})};
  }
  NormWeights layer_norm(const std::string& name, int64_t width) const {
    return {vector(name + ".weight", {width}), vector(name + ".bias", {width})};
  }
  NormWeights rms_norm(const std::string& name, int64_t width) const { return {vector(name + ".weight", {width}), {}}; }

  // Weights of one `in` as one handle.
  struct StackPart {
    std::string name;
    int64_t out;
    std::optional<Range> rows = std::nullopt;  // these alone
  };
  WeightStack stack(const std::vector<StackPart>& parts, int64_t in) const;
  // Experts of one shape, by the beginnings of their tensors' names: gate_proj and up_proj [inner, hidden], down_proj
  // [hidden, inner], where inner is the first one's.
  ExpertBank experts(const std::vector<std::string>& prefixes, int64_t hidden) const;

  // The extent of a tensor whose size the configuration does not give; Error when the tensor has another rank.
  int64_t extent(const std::string& name, size_t rank, int index) const;

 private:
  // Of one that was packed ahead; nothing for others.
  std::optional<Weight> packed(const std::string& name, const Shape& shape, WeightFormat format, const Range& rows,
                               const Range& columns) const;
  // Throws Error for values that `format` cannot keep. `first_row`: of `weight` among those of the tensor.
  void check_values(const std::string& name, const TensorView& weight, int64_t first_row, WeightFormat format) const;
  // Of values that go with the call.
  Weight kept(const TensorView& values) const;

  const Checkpoint& checkpoint_;
  Device& device_;
  WeightFormat format_;
  Observer observer_;
};

}  // namespace lectern
