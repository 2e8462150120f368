// Between the memory of tensors and dense arrays of f32 or int64, in the order of a view's elements.
#pragma once

#include <span>
#include <vector>

#include "fake_cann/operators/operation.h"

namespace fake_cann {

using Floats = std::vector<float>;
using Integers = std::vector<int64_t>;

Floats floats(const Tensor& tensor);
Integers integers(const Tensor& tensor);  // of floats: truncated
// Rounds once, to the tensor's type.
void store(const Tensor& tensor, std::span<const float> values);
void store(const Tensor& tensor, std::span<const int64_t> values);
inline void store(const Tensor& tensor, const Floats& values) { store(tensor, std::span<const float>(values)); }
inline void store(const Tensor& tensor, const Integers& values) { store(tensor, std::span<const int64_t>(values)); }

// The elements as they are.
std::vector<std::byte> raw(const Tensor& tensor);
void store_raw(const Tensor& tensor, std::span<const std::byte> elements);
// Elements of `source` into `target`, converted when the types differ; shapes alike.
void copy_elements(const Tensor& source, const Tensor& target);

// As numpy broadcasts; an empty optional where it does not.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);
Tensor broadcast(const Tensor& tensor, const Shape& shape);
// Other views of the same elements.
Tensor permuted(const Tensor& tensor, const std::vector<int64_t>& order);
Tensor narrowed(const Tensor& tensor, int64_t axis, int64_t start, int64_t length, int64_t step = 1);

float rounded_to(aclDataType type, float value);
// The type of tensor with tensor: section 2.5.
aclDataType promoted(aclDataType a, aclDataType b);
// Whether results of one type may be written as the other: to a float from anything, to integers from integers.
bool can_store(aclDataType result, aclDataType out);

// c [m, n] = a [m, k] * b + beta * c, with b [k, n] or, transposed, [n, k].
void multiply(int64_t m, int64_t n, int64_t k, const float* a, const float* b, bool b_transposed, float beta, float* c);

// Extents before, at and after an axis.
struct Split {
  int64_t outer = 1, extent = 1, inner = 1;
};
Split split_at(const Shape& shape, int64_t axis);

// Calls body(i) for i in 0 .. count - 1 on several threads.
template <typename Body>
void in_parallel(int64_t count, const Body& body) {
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (int64_t i = 0; i < count; ++i) body(i);
}

}  // namespace fake_cann
