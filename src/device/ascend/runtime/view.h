// What an operator is given: memory on the card with a stride for every extent. Slices, transposes and repetitions are
// views; no operator runs for them.
#pragma once

#include <acl/acl_base.h>

#include <array>
#include <cassert>
#include <initializer_list>
#include <span>

#include "core/tensor.h"

namespace lectern::ascend {

constexpr aclDataType acl_type(DataType type) {
  switch (type) {
    case DataType::f32: return ACL_FLOAT;
    case DataType::f16: return ACL_FLOAT16;
    case DataType::bf16: return ACL_BF16;
    case DataType::i64: return ACL_INT64;
    case DataType::i32: return ACL_INT32;
    case DataType::u8: return ACL_UINT8;
  }
  return ACL_DT_UNDEFINED;
}

constexpr size_t size_of(aclDataType type) {
  switch (type) {
    case ACL_FLOAT:
    case ACL_INT32: return 4;
    case ACL_FLOAT16:
    case ACL_BF16: return 2;
    case ACL_INT64: return 8;
    default: return 1;
  }
}

struct View {
  static constexpr size_t max_rank = 8;  // of nearly all operators

  const std::byte* data = nullptr;
  aclDataType type = ACL_FLOAT;
  size_t rank = 0;
  std::array<int64_t, max_rank> extents{};
  std::array<int64_t, max_rank> strides{};  // in elements, not negative

  View() = default;
  View(const std::byte* memory, aclDataType element, std::span<const int64_t> shape)
      : data(memory), type(element), rank(shape.size()) {
    assert(rank <= max_rank);
    int64_t stride = 1;
    for (size_t i = rank; i-- > 0; stride *= shape[i]) {
      extents[i] = shape[i];
      strides[i] = stride;
    }
  }
  View(const std::byte* memory, aclDataType element, std::initializer_list<int64_t> shape)
      : View(memory, element, std::span(shape.begin(), shape.size())) {}
  View(const TensorView& tensor) : View(tensor.data, acl_type(tensor.type), tensor.shape.extents()) {}  // NOLINT
  View(const MutableTensorView& tensor) : View(TensorView(tensor)) {}                                   // NOLINT
  // The memory of a dense tensor with another shape.
  View(const TensorView& tensor, std::initializer_list<int64_t> shape)
      : View(tensor.data, acl_type(tensor.type), shape) {
    assert(elements() == tensor.shape.elements());
  }

  int64_t elements() const {
    int64_t count = 1;
    for (size_t i = 0; i < rank; ++i) count *= extents[i];
    return count;
  }
  // Elements from the first to the last, those between the rows of a slice among them.
  int64_t reach() const {
    int64_t last = 0;
    for (size_t i = 0; i < rank; ++i) last += (extents[i] - 1) * strides[i];
    return last + 1;
  }
  bool is_dense() const {
    int64_t stride = 1;
    for (size_t i = rank; i-- > 0; stride *= extents[i]) {
      if (extents[i] != 1 && strides[i] != stride) return false;
    }
    return true;
  }

  // The same memory from an element on, by these strides.
  View strided(int64_t first, std::initializer_list<int64_t> shape, std::initializer_list<int64_t> steps) const {
    assert(shape.size() == steps.size());
    View view(data + static_cast<size_t>(first) * size_of(type), type, shape);
    std::copy(steps.begin(), steps.end(), view.strides.begin());
    return view;
  }
  // Entries first .. first + count - 1 of one extent.
  View slice(size_t axis, int64_t first, int64_t count) const {
    assert(axis < rank && first >= 0 && first + count <= extents[axis]);
    View view = *this;
    view.data += static_cast<size_t>(first * strides[axis]) * size_of(type);
    view.extents[axis] = count;
    return view;
  }
  // Extent i of the result is extent order[i] of this.
  View permuted(std::initializer_list<size_t> order) const {
    assert(order.size() == rank);
    View view = *this;
    size_t i = 0;
    for (const size_t from : order) {
      view.extents[i] = extents[from];
      view.strides[i++] = strides[from];
    }
    return view;
  }
};

}  // namespace lectern::ascend
