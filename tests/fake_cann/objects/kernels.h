// Which kernels a view costs: those that make a strided operand dense before an operator, and those that write a dense
// result to a strided place behind it. By the rules of Contiguous and ViewCopy in the sources of ops-math 8.3.RC1.
#pragma once

#include "fake_cann/objects/objects.h"

namespace fake_cann {

struct Kernels {
  int cores = 0;   // on the AI cores
  int ai_cpu = 0;  // on the AI CPU, element by element
  Kernels& operator+=(const Kernels& other) {
    cores += other.cores;
    ai_cpu += other.ai_cpu;
    return *this;
  }
};

// Reading a view as a dense tensor: Slice or StridedSlice, Transpose, BroadcastTo, or one AsStrided.
Kernels kernels_of_reading(const Tensor& view);
// Writing a dense tensor to a view: nothing where it is dense, one Transpose where it is a dense tensor permuted, else
// ViewCopy, on the AI cores for few kinds of strides.
Kernels kernels_of_writing(const Tensor& view);
// Whether the last two extents lie in memory the other way round, which products take as they are.
bool is_transposed(const Tensor& view);
// Elements that a view names, those repeated by a stride of 0 once.
double distinct_elements(const Tensor& view);

}  // namespace fake_cann
