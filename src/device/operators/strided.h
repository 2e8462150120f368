// Views with a stride for every extent: slices, transposes and repetitions of a tensor without moving it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>

#include "core/tensor.h"

namespace lectern {

// Strides are in elements and not negative; a stride of 0 repeats what is there.
template <typename Byte>
struct BasicStridedView {
  Byte* data = nullptr;
  DataType type = DataType::f32;
  Shape shape;
  std::array<int64_t, Shape::max_rank> strides{};

  BasicStridedView() = default;
  // All of a dense tensor, as it is.
  template <typename Dense>
  requires std::convertible_to<const Dense&, BasicTensorView<Byte>> BasicStridedView(const Dense& tensor)  // NOLINT
  {
    const BasicTensorView<Byte> view = tensor;
    data = view.data;
    type = view.type;
    shape = view.shape;
    int64_t stride = 1;
    for (size_t i = shape.rank(); i-- > 0; stride *= shape[static_cast<int>(i)]) strides[i] = stride;
  }
  // The elements of `storage` from `first` on, by strides.
  BasicStridedView(const BasicTensorView<Byte>& storage, int64_t first, const Shape& extents,
                   std::initializer_list<int64_t> steps)
      : data(storage.data + static_cast<size_t>(first) * size_of(storage.type)), type(storage.type), shape(extents) {
    assert(steps.size() == shape.rank());
    std::copy(steps.begin(), steps.end(), strides.begin());
  }
  template <typename Other>
  requires(std::is_const_v<Byte> && !std::is_const_v<Other>) BasicStridedView(const BasicStridedView<Other>& other)
      : data(other.data), type(other.type), shape(other.shape), strides(other.strides) {}  // NOLINT

  explicit operator bool() const { return data != nullptr; }
};

using StridedView = BasicStridedView<const std::byte>;
using MutableStridedView = BasicStridedView<std::byte>;

// A dense tensor, repeated along the leading extents of a shape that ends with its own.
inline StridedView broadcast(const TensorView& values, const Shape& shape) {
  StridedView view(values);
  std::array<int64_t, Shape::max_rank> strides{};
  const size_t added = shape.rank() - values.shape.rank();
  std::copy_n(view.strides.begin(), values.shape.rank(), strides.begin() + static_cast<std::ptrdiff_t>(added));
  view.shape = shape;
  view.strides = strides;
  return view;
}

}  // namespace lectern
