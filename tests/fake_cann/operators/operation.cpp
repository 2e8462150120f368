#include "fake_cann/operators/operation.h"

namespace fake_cann {

Operand Operation::add(const aclTensor* handle, const std::string& name, Types allowed, Rules rules, bool output) {
  if (handle == nullptr) fail(null_operand, executor_.operation + ": " + name + " is null");
  const std::shared_ptr<Tensor> found = objects().tensors.get(handle, executor_null, executor_.operation.c_str());
  Operand operand{*found, executor_.operands.size()};
  require(contains(allowed, operand.type), name + " may not be " + name_of(operand.type));
  require(operand.type != ACL_BF16 || has_bf16(), name + " is bf16, which this chip lacks");
  require(operand.rank() <= 8, name + " has more than 8 extents");
  if (rules.format) {
    require(operand.format == *rules.format,
            name + " has format " + std::to_string(operand.format) + ", not " + std::to_string(*rules.format));
  } else {
    require(operand.format != ACL_FORMAT_FRACTAL_NZ && operand.format != ACL_FORMAT_NC1HWC0 &&
                operand.format != ACL_FORMAT_FRACTAL_Z,
            name + " has a private format");
  }
  require(operand.format != ACL_FORMAT_NCHW || operand.rank() == 4, name + " is NCHW without 4 extents");
  if (rules.contiguous)
    require(operand.contiguous(), name + " must be contiguous, it is " + to_string(operand.shape) + " with strides " +
                                      to_string(operand.strides));
  executor_.operands.push_back({handle, operand, output, name, operand.data != nullptr});
  return operand;
}

Operand Operation::input(const aclTensor* handle, const char* name, Types allowed, Rules rules) {
  return add(handle, name, allowed, rules, false);
}

Operand Operation::output(const aclTensor* handle, const char* name, Types allowed, Rules rules) {
  const Operand operand = add(handle, name, allowed, rules, true);
  for (size_t i = 0; i < operand.shape.size(); ++i) {
    require(operand.strides[i] != 0 || operand.shape[i] <= 1, std::string(name) + " is written through a stride of 0");
  }
  return operand;
}

std::optional<Operand> Operation::optional_input(const aclTensor* handle, const char* name, Types allowed,
                                                 Rules rules) {
  if (handle == nullptr) return std::nullopt;
  return add(handle, name, allowed, rules, false);
}

std::vector<Operand> Operation::add_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules,
                                         bool output) {
  if (handle == nullptr) fail(null_operand, executor_.operation + ": " + name + " is null");
  const auto members = objects().tensor_lists.get(handle, executor_null, executor_.operation.c_str());
  require(!members->empty(), std::string(name) + " is empty");
  std::vector<Operand> operands;
  for (const aclTensor* member : *members) {
    operands.push_back(add(member, name + ("[" + std::to_string(operands.size()) + "]"), allowed, rules, output));
  }
  return operands;
}

std::vector<Operand> Operation::input_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules) {
  return add_list(handle, name, allowed, rules, false);
}

std::vector<Operand> Operation::output_list(const aclTensorList* handle, const char* name, Types allowed, Rules rules) {
  return add_list(handle, name, allowed, rules, true);
}

std::vector<int64_t> Operation::ints(const aclIntArray* handle, const char* name) {
  if (handle == nullptr) fail(null_operand, executor_.operation + ": " + name + " is null");
  const auto values = objects().int_arrays.get(handle, executor_null, executor_.operation.c_str());
  attribute(to_string(*values));
  return *values;
}

std::optional<std::vector<int64_t>> Operation::optional_ints(const aclIntArray* handle, const char* name) {
  if (handle == nullptr) return std::nullopt;
  return ints(handle, name);
}

Scalar Operation::scalar(const aclScalar* handle, const char* name) {
  if (handle == nullptr) fail(null_operand, executor_.operation + ": " + name + " is null");
  const Scalar value = *objects().scalars.get(handle, executor_null, executor_.operation.c_str());
  attribute(std::to_string(value.value));
  return value;
}

void Operation::absent(const void* handle, const char* name) {
  require(handle == nullptr, std::string(name) + " is not modelled by the fake and must be null");
}

void Operation::same_shape(const Operand& a, const Operand& b) const {
  require(a.shape == b.shape, "shapes " + to_string(a.shape) + " and " + to_string(b.shape) + " differ");
}

void Operation::same_type(const Operand& a, const Operand& b) const {
  require(a.type == b.type, "types " + name_of(a.type) + " and " + name_of(b.type) + " differ");
}

void Operation::shape_is(const Operand& operand, const Shape& shape) const {
  require(operand.shape == shape,
          executor_.operands[operand.index].name + " is " + to_string(operand.shape) + ", not " + to_string(shape));
}

int64_t Operation::axis(int64_t dim, int64_t rank) const {
  require(dim >= -rank && dim < rank, "there is no extent " + std::to_string(dim));
  return dim < 0 ? dim + rank : dim;
}

void Operation::run(std::function<void(const Work&)> body) {
  executor_.run = [body = std::move(body)](const std::vector<Tensor>& tensors) { body(Work(tensors)); };
}

void Operation::hides(const Kernels& kernels) {
  executor_.cost.hidden_kernels += kernels.cores;
  executor_.cost.ai_cpu_kernels += kernels.ai_cpu;
}

void Operation::copies(const Operand& from, const Operand& to) {
  is_copy_ = true;
  Kernels kernels = kernels_of_reading(from);
  if (from.type != to.type) ++kernels.cores;
  if (from.shape != to.shape) ++kernels.cores;  // BroadcastTo
  if (!to.contiguous())
    kernels += kernels_of_writing(to);
  else if (kernels.cores == 0)
    ++kernels.cores;                       // TensorMove
  if (kernels.cores > 0) --kernels.cores;  // the call's own
  hides(kernels);
}

void Operation::finish() {
  for (const Executor::Operand& operand : executor_.operands) {
    const auto bytes = distinct_elements(operand.tensor) * static_cast<double>(operand.tensor.element_bytes());
    executor_.cost.bytes += operand.moved.value_or(bytes);
    if (is_copy_) continue;
    if (operand.output)
      hides(kernels_of_writing(operand.tensor));
    else if (!(operand.takes_transposed && is_transposed(operand.tensor)))
      hides(kernels_of_reading(operand.tensor));
  }
  if (executor_.cost.ai_cpu_kernels > 0) abandons_cache();
}

void fault(const std::string& text) { misuse(core_exception, text); }

int64_t checked_index(int64_t index, int64_t limit, const char* what) {
  if (index < 0 || index >= limit) {
    fault(std::string(what) + ": index " + std::to_string(index) + " is not below " + std::to_string(limit));
  }
  return index;
}

}  // namespace fake_cann
