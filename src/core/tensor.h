// Shapes and views of dense, row-major tensors. A view owns nothing: whoever made it keeps the memory alive.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "core/data_type.h"

namespace lectern {

// Up to five extents; [] is a scalar of one element.
class Shape {
 public:
  static constexpr size_t max_rank = 5;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span<const int64_t>(extents.begin(), extents.size())) {}
  constexpr explicit Shape(std::span<const int64_t> extents) : rank_(extents.size()) {
    assert(rank_ <= max_rank);
    for (size_t i = 0; i < rank_; ++i) extents_[i] = extents[i];
  }

  constexpr size_t rank() const { return rank_; }
  // A negative index counts from the end.
  constexpr int64_t operator[](int index) const { return extents_[index < 0 ? rank_ + index : index]; }
  constexpr int64_t elements() const {
    int64_t n = 1;
    for (size_t i = 0; i < rank_; ++i) n *= extents_[i];
    return n;
  }
  // Rows of a matrix of the last extent's width.
  constexpr int64_t rows() const { return rank_ == 0 || (*this)[-1] == 0 ? 1 : elements() / (*this)[-1]; }
  constexpr std::span<const int64_t> extents() const { return {extents_.data(), rank_}; }
  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (size_t i = 0; i < a.rank_; ++i) {
      if (a.extents_[i] != b.extents_[i]) return false;
    }
    return true;
  }

 private:
  std::array<int64_t, max_rank> extents_{};
  size_t rank_ = 0;
};

// "[2, 3]"
inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.rank(); ++i) text += (i != 0 ? ", " : "") + std::to_string(shape[static_cast<int>(i)]);
  return text + "]";
}

// A dense tensor in memory that something else owns.
template <typename Byte>
struct BasicTensorView {
  Byte* data = nullptr;
  DataType type = DataType::f32;
  Shape shape;

  BasicTensorView() = default;
  BasicTensorView(Byte* bytes, DataType element, const Shape& extents) : data(bytes), type(element), shape(extents) {}
  // A view for writing serves for reading.
  template <typename Other>
  requires(std::is_const_v<Byte> && !std::is_const_v<Other>) BasicTensorView(const BasicTensorView<Other>& other)
      : data(other.data), type(other.type), shape(other.shape) {}  // NOLINT

  explicit operator bool() const { return data != nullptr; }
  size_t bytes() const { return static_cast<size_t>(shape.elements()) * size_of(type); }
  template <typename T>
  auto* as() const {
    using Pointer = std::conditional_t<std::is_const_v<Byte>, const T*, T*>;
    assert(sizeof(T) == size_of(type));
    return reinterpret_cast<Pointer>(data);
  }
  BasicTensorView reshaped(const Shape& to) const {
    assert(to.elements() == shape.elements());
    return {data, type, to};
  }
  // The same memory from element `first` on, with another shape.
  BasicTensorView at(int64_t first, const Shape& to) const {
    assert(first >= 0 && first + to.elements() <= shape.elements());
    return {data + static_cast<size_t>(first) * size_of(type), type, to};
  }
  // Entries first .. first + count - 1 of the leading extent.
  BasicTensorView slice(int64_t first, int64_t count) const {
    assert(shape.rank() > 0 && first >= 0 && first + count <= shape[0]);
    std::array<int64_t, Shape::max_rank> extents{};
    for (size_t i = 0; i < shape.rank(); ++i) extents[i] = shape[static_cast<int>(i)];
    extents[0] = count;
    const size_t stride = shape[0] == 0 ? 0 : bytes() / static_cast<size_t>(shape[0]);
    return {data + static_cast<size_t>(first) * stride, type,
            Shape(std::span<const int64_t>(extents.data(), shape.rank()))};
  }
};

using TensorView = BasicTensorView<const std::byte>;
using MutableTensorView = BasicTensorView<std::byte>;

}  // namespace lectern
