// How an operator is written here: a first call that checks its operands and says what to compute, and a second call
// that is the same for all.
//
//   aclnnStatus aclnnSiluGetWorkspaceSize(const aclTensor* self, aclTensor* out, uint64_t* workspace,
//                                         aclOpExecutor** executor) {
//     return first_call("aclnnSilu", workspace, executor, [&](Operation& op) {
//       const Operand x = op.input(self, "self", floating);
//       const Operand y = op.output(out, "out", floating);
//       op.require(x.shape == y.shape, "out has not self's shape");
//       op.run([=](const Work& work) { store(work[y], silu(floats(work[x]))); });
//     });
//   }
//   SECOND_CALL(aclnnSilu)
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_cann/objects/kernels.h"

namespace fake_cann {

using Types = uint64_t;
constexpr Types types(std::initializer_list<aclDataType> list) {
  Types set = 0;
  for (const aclDataType type : list) set |= Types{1} << static_cast<int>(type);
  return set;
}
constexpr bool contains(Types set, aclDataType type) { return (set >> static_cast<int>(type) & 1) != 0; }
constexpr Types floating = types({ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
constexpr Types half_types = types({ACL_FLOAT16, ACL_BF16});
constexpr Types integral = types({ACL_INT8, ACL_UINT8, ACL_INT16, ACL_INT32, ACL_INT64});
constexpr Types boolean = types({ACL_BOOL});
constexpr Types index_types = types({ACL_INT32, ACL_INT64});
constexpr Types any_type = floating | integral | boolean | types({ACL_DOUBLE});
constexpr bool is_floating(aclDataType type) { return contains(floating, type); }

// An operand as the first call sees it; with `index` the work finds it again, with its memory.
struct Operand : Tensor {
  size_t index = 0;
};

// What the device sees when the work is done.
class Work {
 public:
  explicit Work(const std::vector<Tensor>& tensors) : tensors_(tensors) {}
  const Tensor& operator[](const Operand& operand) const { return tensors_[operand.index]; }

 private:
  const std::vector<Tensor>& tensors_;
};

// What an operator allows of an operand.
struct Rules {
  bool contiguous = false;  // no views
  std::optional<aclFormat> format = std::nullopt;
};

class Operation {
 public:
  Operation(Executor& executor, std::string& cache_key) : executor_(executor), cache_key_(cache_key) {}

  Operand input(const aclTensor* handle, const char* name, Types allowed, Rules rules = {});
  Operand output(const aclTensor* handle, const char* name, Types allowed, Rules rules = {});
  std::optional<Operand> optional_input(const aclTensor* handle, const char* name, Types allowed, Rules rules = {});
  std::vector<Operand> input_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules = {});
  std::vector<Operand> output_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules = {});
  std::vector<int64_t> ints(const aclIntArray* handle, const char* name);
  std::optional<std::vector<int64_t>> optional_ints(const aclIntArray* handle, const char* name);
  Scalar scalar(const aclScalar* handle, const char* name);
  // An attribute that executors in the thread's cache are told apart by.
  void attribute(const std::string& value) { cache_key_ += "," + value; }
  void attribute(int64_t value) { attribute(std::to_string(value)); }
  // For operands that the fake does not model: they must be null.
  void absent(const void* handle, const char* name);

  void require(bool holds, const std::string& message) const {
    if (!holds) fail(bad_operand, executor_.operation + ": " + message);
  }
  void same_shape(const Operand& a, const Operand& b) const;
  void same_type(const Operand& a, const Operand& b) const;
  void shape_is(const Operand& operand, const Shape& shape) const;
  // From -rank .. rank - 1 to 0 .. rank - 1.
  int64_t axis(int64_t dim, int64_t rank) const;

  // What the call costs, beside its kernel and the bytes of its operands: multiplications and additions; the bytes of
  // an operand of which only a part is used; one that a product takes transposed as it is; what else runs inside.
  void operations(double count) { executor_.cost.operations += count; }
  void moves(const Operand& operand, double bytes) { executor_.operands[operand.index].moved = bytes; }
  void takes_transposed(const Operand& operand) { executor_.operands[operand.index].takes_transposed = true; }
  void hides(const Kernels& kernels);
  // Its executor cannot be used again.
  void abandons_cache() { executor_.abandons_cache = true; }
  // A copy, which is nothing but the kernels that its views need.
  void copies(const Operand& from, const Operand& to);
  // When all operands are known.
  void finish();

  void workspace(uint64_t bytes) { executor_.workspace = (bytes + 511) / 512 * 512; }
  void run(std::function<void(const Work&)> body);

 private:
  Operand add(const aclTensor* handle, const std::string& name, Types allowed, Rules rules, bool output);
  std::vector<Operand> add_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules, bool output);

  Executor& executor_;
  std::string& cache_key_;
  bool is_copy_ = false;
};

template <typename Build>
aclnnStatus first_call(const char* name, uint64_t* workspace, aclOpExecutor** executor, const Build& build) {
  return prepare(name, workspace, executor, [&](Executor& made, std::string& cache_key) {
    Operation operation(made, cache_key);
    build(operation);
    operation.finish();
  });
}

#define SECOND_CALL(name)                                                                                  \
  aclnnStatus name(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor, aclrtStream stream) { \
    return fake_cann::launch(#name, workspace, workspaceSize, executor, stream);                           \
  }

// For faults of the running work: what a wrong index does on the device, and a test has to see.
[[noreturn]] void fault(const std::string& text);
int64_t checked_index(int64_t index, int64_t limit, const char* what);

}  // namespace fake_cann
