// The objects that aclnn's operators are given, made for one call and destroyed after it.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "device/ascend/runtime/library.h"
#include "device/ascend/runtime/view.h"
#include "lectern/error.h"

namespace lectern::ascend {

// Arguments of Session::call that are neither numbers nor views.
struct Scalar {
  float value;
};
struct IntegerArray {
  std::span<const int64_t> values;
};
struct ViewList {
  std::span<const View> views;
};
struct Absent {};  // an optional argument that is not given
inline constexpr Absent absent;

// An object and how it is destroyed.
template <typename Object>
class Held {
 public:
  using Destroy = aclnnStatus (*)(const Object*);

  Held(Object* object, Destroy destroy) : object_(object), destroy_(destroy) {
    if (object == nullptr) throw Error("ascend: aclnn could not make a description of a tensor; is memory left?");
  }
  Held(Held&& other) noexcept : object_(std::exchange(other.object_, nullptr)), destroy_(other.destroy_) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  Held& operator=(Held&&) = delete;
  ~Held() {
    if (object_ != nullptr) destroy_(object_);
  }

  Object* get() const { return object_; }
  Object* release() { return std::exchange(object_, nullptr); }

 private:
  Object* object_;
  Destroy destroy_;
};

inline Held<aclTensor> hold(const Objects& objects, const View& view) {
  // A tensor's memory begins where its block or a multiple of 64 bytes does; a view into it is an offset.
  constexpr uintptr_t alignment = 64;
  const uintptr_t beyond = reinterpret_cast<uintptr_t>(view.data) % alignment;
  const int64_t offset = static_cast<int64_t>(beyond / size_of(view.type));
  // Dense tensors are described by their own shape, others as a stretch of memory.
  const int64_t stretch = offset + view.reach();
  const bool own_shape = offset == 0 && view.is_dense();
  return {objects.create_tensor(view.extents.data(), view.rank, view.type, view.strides.data(), offset, ACL_FORMAT_ND,
                                own_shape ? view.extents.data() : &stretch, own_shape ? view.rank : 1,
                                const_cast<std::byte*>(view.data - beyond)),
          objects.destroy_tensor};
}

inline Held<aclScalar> hold(const Objects& objects, Scalar scalar) {
  return {objects.create_scalar(&scalar.value, ACL_FLOAT), objects.destroy_scalar};
}

inline Held<aclIntArray> hold(const Objects& objects, const IntegerArray& array) {
  return {objects.create_integers(array.values.data(), array.values.size()), objects.destroy_integers};
}

// Destroying a list destroys the tensors in it.
inline Held<aclTensorList> hold(const Objects& objects, const ViewList& list) {
  std::vector<Held<aclTensor>> tensors;
  tensors.reserve(list.views.size());
  for (const View& view : list.views) tensors.push_back(hold(objects, view));
  std::vector<const aclTensor*> pointers;
  pointers.reserve(tensors.size());
  for (const auto& tensor : tensors) pointers.push_back(tensor.get());
  Held<aclTensorList> held(objects.create_list(pointers.data(), pointers.size()), objects.destroy_list);
  for (auto& tensor : tensors) tensor.release();
  return held;
}

struct Nothing {
  std::nullptr_t get() const { return nullptr; }
};
inline Nothing hold(const Objects&, Absent) { return {}; }

template <typename T>
struct Plain {
  T value;
  T get() const { return value; }
};
template <typename T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) Plain<T> hold(const Objects&, T value) {
  return {value};
}

}  // namespace lectern::ascend
