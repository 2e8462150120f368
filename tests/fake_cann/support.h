// For tests against the fake: device tensors from values and back, and one call for both halves of an operator.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"
#include "fake_cann.h"
#include "fake_cann/runtime/halves.h"

namespace fake_cann::testing {

using Shape = std::vector<int64_t>;

inline int64_t product(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

inline std::vector<std::byte> encoded(aclDataType type, const std::vector<double>& values) {
  const size_t size = aclDataTypeSize(type);
  std::vector<std::byte> bytes(values.size() * size);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto put = [&](auto value) { std::memcpy(bytes.data() + i * size, &value, sizeof(value)); };
    switch (type) {
      case ACL_FLOAT: put(static_cast<float>(values[i])); break;
      case ACL_FLOAT16: put(float_to_half(static_cast<float>(values[i]))); break;
      case ACL_BF16: put(lectern::f32_to_bf16(static_cast<float>(values[i]))); break;
      case ACL_INT8: put(static_cast<int8_t>(values[i])); break;
      case ACL_INT32: put(static_cast<int32_t>(values[i])); break;
      case ACL_INT64: put(static_cast<int64_t>(values[i])); break;
      default: put(static_cast<uint8_t>(values[i])); break;
    }
  }
  return bytes;
}

inline std::vector<double> decoded(aclDataType type, const std::vector<std::byte>& bytes) {
  const size_t size = aclDataTypeSize(type);
  std::vector<double> values(bytes.size() / size);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto get = [&]<typename T>(T value) {
      std::memcpy(&value, bytes.data() + i * size, sizeof(value));
      return value;
    };
    switch (type) {
      case ACL_FLOAT: values[i] = static_cast<double>(get(float{})); break;
      case ACL_FLOAT16: values[i] = static_cast<double>(half_to_float(get(uint16_t{}))); break;
      case ACL_BF16: values[i] = static_cast<double>(lectern::bf16_to_f32(get(uint16_t{}))); break;
      case ACL_INT8: values[i] = static_cast<double>(get(int8_t{})); break;
      case ACL_INT32: values[i] = static_cast<double>(get(int32_t{})); break;
      case ACL_INT64: values[i] = static_cast<double>(get(int64_t{})); break;
      default: values[i] = static_cast<double>(get(uint8_t{})); break;
    }
  }
  return values;
}

inline void* device_block(size_t bytes) {
  void* memory = nullptr;
  EXPECT_EQ(aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  return memory;
}

// Device memory and the tensor over it; both go with the object.
class Array {
 public:
  Array(aclDataType type, const Shape& shape, const std::vector<double>& values = {}, aclFormat format = ACL_FORMAT_ND)
      : type_(type), count_(static_cast<size_t>(product(shape))) {
    EXPECT_EQ(aclrtMalloc(&memory_, std::max<size_t>(count_ * aclDataTypeSize(type), 1), ACL_MEM_MALLOC_HUGE_FIRST), 0);
    if (!values.empty()) write(values);
    tensor_ =
        aclCreateTensor(shape.data(), shape.size(), type, nullptr, 0, format, shape.data(), shape.size(), memory_);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    for (const aclTensor* view : views_) aclDestroyTensor(view);
    aclDestroyTensor(tensor_);
    if (memory_ != nullptr) aclrtFree(memory_);
  }

  operator aclTensor*() const { return tensor_; }  // NOLINT: used wherever a tensor is asked for
  void* memory() const { return memory_; }
  // Another tensor over the same memory.
  aclTensor* view(const Shape& shape, const Shape& strides, int64_t offset = 0) {
    const auto count = static_cast<int64_t>(count_);
    views_.push_back(
        aclCreateTensor(shape.data(), shape.size(), type_, strides.data(), offset, ACL_FORMAT_ND, &count, 1, memory_));
    return views_.back();
  }
  // A tensor over all of the memory for a List, whose it then is.
  aclTensor* member(const Shape& shape, const Shape& strides = {}) const {
    const auto count = static_cast<int64_t>(count_);
    return aclCreateTensor(shape.data(), shape.size(), type_, strides.empty() ? nullptr : strides.data(), 0,
                           ACL_FORMAT_ND, &count, 1, memory_);
  }
  void write(const std::vector<double>& values) const {
    const std::vector<std::byte> bytes = encoded(type_, values);
    EXPECT_EQ(aclrtMemcpy(memory_, bytes.size(), bytes.data(), bytes.size(), ACL_MEMCPY_HOST_TO_DEVICE), 0);
  }
  std::vector<double> values() const {
    std::vector<std::byte> bytes(count_ * aclDataTypeSize(type_));
    EXPECT_EQ(aclrtMemcpy(bytes.data(), bytes.size(), memory_, bytes.size(), ACL_MEMCPY_DEVICE_TO_HOST), 0);
    return decoded(type_, bytes);
  }

 private:
  aclDataType type_;
  size_t count_;
  void* memory_ = nullptr;
  aclTensor* tensor_ = nullptr;
  std::vector<aclTensor*> views_;
};

// Host operands of an operator, for the length of one expression or longer.
class Ints {
 public:
  Ints(std::initializer_list<int64_t> values) : array_(aclCreateIntArray(values.begin(), values.size())) {}
  Ints(const Ints&) = delete;
  Ints& operator=(const Ints&) = delete;
  ~Ints() { aclDestroyIntArray(array_); }
  operator aclIntArray*() const { return array_; }  // NOLINT

 private:
  aclIntArray* array_;
};

class Number {
 public:
  explicit Number(float value) : scalar_(aclCreateScalar(&value, ACL_FLOAT)) {}
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { aclDestroyScalar(scalar_); }
  operator aclScalar*() const { return scalar_; }  // NOLINT

 private:
  aclScalar* scalar_;
};

// A list of tensors made for it, which go with it.
class List {
 public:
  explicit List(const std::vector<aclTensor*>& views) : list_(aclCreateTensorList(views.data(), views.size())) {}
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() { aclDestroyTensorList(list_); }
  operator aclTensorList*() const { return list_; }  // NOLINT

 private:
  aclTensorList* list_;
};

using SecondCall = aclnnStatus (*)(void*, uint64_t, aclOpExecutor*, aclrtStream);

// Both calls on a stream with a workspace as asked for, and the synchronisation; the first code that is not 0.
template <typename... Parameters, typename... Arguments>
int run_on(aclrtStream stream, aclnnStatus (*first)(Parameters...), SecondCall second, Arguments&&... arguments) {
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  if (const int status = first(arguments..., &bytes, &executor); status != 0) return status;
  void* workspace = nullptr;
  if (bytes > 0 && aclrtMalloc(&workspace, bytes, ACL_MEM_MALLOC_HUGE_FIRST) != 0) return -1;
  const int launched = second(workspace, bytes, executor, stream);
  const int done = aclrtSynchronizeStream(stream);
  if (workspace != nullptr) aclrtFree(workspace);
  return launched != 0 ? launched : done;
}
template <typename... Parameters, typename... Arguments>
int run(aclnnStatus (*first)(Parameters...), SecondCall second, Arguments&&... arguments) {
  return run_on(nullptr, first, second, std::forward<Arguments>(arguments)...);
}
// For refusals: the first call alone.
template <typename... Parameters, typename... Arguments>
int prepare(aclnnStatus (*first)(Parameters...), Arguments&&... arguments) {
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  return first(arguments..., &bytes, &executor);
}

// A machine with device 0 set; after each test nothing may be left and no rule broken, unless the test says so.
class Machine : public ::testing::Test {
 protected:
  void SetUp() override {
    fake_cann_reset();
    ASSERT_EQ(aclInit(nullptr), 0);
    ASSERT_EQ(aclrtSetDevice(0), 0);
  }
  void TearDown() override {
    EXPECT_STREQ(fake_cann_violations(), expects_violations_ ? fake_cann_violations() : "");
    EXPECT_STREQ(fake_cann_leaks(), "");
    fake_cann_reset();
  }
  // The one rule that the test broke on purpose.
  void expect_violation(const std::string& part) {
    EXPECT_NE(std::string(fake_cann_violations()).find(part), std::string::npos) << "expected '" << part << "' in:\n"
                                                                                 << fake_cann_violations();
    expects_violations_ = true;
  }

 private:
  bool expects_violations_ = false;
};

}  // namespace fake_cann::testing
