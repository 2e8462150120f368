// What the handles of aclnn stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aclnn/acl_meta.h"
#include "fake_cann/runtime/memory.h"
#include "fake_cann/runtime/state.h"

namespace fake_cann {

using Shape = std::vector<int64_t>;

int64_t product(const Shape& shape);
Shape dense_strides(const Shape& shape);
std::string to_string(const Shape& shape);  // [2, 3]
std::string name_of(aclDataType type);

struct Tensor {
  Shape shape;
  Shape strides;  // in elements
  int64_t offset = 0;
  aclDataType type = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_ND;
  Shape storage;
  void* data = nullptr;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t elements() const { return product(shape); }
  size_t element_bytes() const { return aclDataTypeSize(type); }
  bool contiguous() const;       // apart from where it starts
  int64_t last_element() const;  // the place of the view's last element, counted from `data`
  template <typename T>
  T* at() const {
    return reinterpret_cast<T*>(bytes_of(data)) + offset;
  }
};

struct Scalar {
  aclDataType type = ACL_FLOAT;
  double value = 0;
  int64_t integer = 0;  // of the integer types
};

// What a call asks of the card beside its own kernel.
struct Cost {
  int hidden_kernels = 0;  // copies and conversions on the AI cores
  int ai_cpu_kernels = 0;
  double bytes = 0;  // read and written
  double operations = 0;
};

struct Executor {
  struct Operand {
    const aclTensor* handle = nullptr;
    Tensor tensor;
    bool output = false;
    std::string name;
    bool had_address = false;
    std::optional<double> moved = std::nullopt;  // bytes, where not all of it is read or written
    bool takes_transposed = false;
  };
  std::string operation;
  std::vector<Operand> operands;
  uint64_t workspace = 0;
  std::function<void(const std::vector<Tensor>&)> run;
  bool repeatable = false;
  std::string cache_key;
  bool from_cache = false;
  // A copy inside goes onto itself, or to the AI CPU: it is neither remembered nor made repeatable.
  bool abandons_cache = false;
  Cost cost;
  bool launched = false;
};

// All under global_mutex().
struct Objects {
  Registry<Tensor> tensors{"tensor", 0x5300'0000'0000};
  Registry<Scalar> scalars{"scalar", 0x5400'0000'0000};
  Registry<std::vector<int64_t>> int_arrays{"int array", 0x5500'0000'0000};
  Registry<std::vector<float>> float_arrays{"float array", 0x5600'0000'0000};
  Registry<std::vector<bool>> bool_arrays{"bool array", 0x5700'0000'0000};
  Registry<std::vector<const aclTensor*>> tensor_lists{"tensor list", 0x5800'0000'0000};
  Registry<std::vector<const aclScalar*>> scalar_lists{"scalar list", 0x5900'0000'0000};
  Registry<Executor> executors{"executor", 0x5a00'0000'0000};
};
Objects& objects();

// The two halves of every operator. `build` fills the executor; what it throws is the status.
aclnnStatus prepare(const char* name, uint64_t* workspace, aclOpExecutor** executor,
                    const std::function<void(Executor&, std::string& cache_key)>& build);
// What the calling thread remembers of earlier first calls.
void forget_prepared();
aclnnStatus launch(const char* name, void* workspace, uint64_t workspace_bytes, aclOpExecutor* executor,
                   aclrtStream stream);

}  // namespace fake_cann
