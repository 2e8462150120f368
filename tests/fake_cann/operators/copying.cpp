// Operators that move elements or convert them: section 3.6, and padding from 3.3.
#include <algorithm>

#include "aclnnop/aclnn_cast.h"
#include "aclnnop/aclnn_cat.h"
#include "aclnnop/aclnn_constant_pad_nd.h"
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_expand.h"
#include "aclnnop/aclnn_fill_scalar.h"
#include "aclnnop/aclnn_permute.h"
#include "aclnnop/aclnn_repeat.h"
#include "aclnnop/aclnn_slice.h"
#include "aclnnop/aclnn_slice_v2.h"
#include "aclnnop/aclnn_zero.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

void copy(Operation& op, const Operand& from, const Operand& to, const std::function<Tensor(const Tensor&)>& view) {
  op.shape_is(to, view(from).shape);
  op.same_type(from, to);
  op.workspace(from.contiguous() && to.contiguous() ? 0 : static_cast<uint64_t>(to.elements()) * to.element_bytes());
  op.run([=](const Work& work) { copy_elements(view(work[from]), work[to]); });
}

void fill(const Tensor& tensor, const Scalar& value) {
  const auto count = static_cast<size_t>(tensor.elements());
  if (is_floating(tensor.type))
    store(tensor, Floats(count, static_cast<float>(value.value)));
  else
    store(tensor, Integers(count, value.integer));
}

// start and end as in Python, for an extent.
std::pair<int64_t, int64_t> clamped(int64_t start, int64_t end, int64_t extent) {
  const auto bound = [&](int64_t at) { return std::clamp(at < 0 ? at + extent : at, int64_t{0}, extent); };
  return {bound(start), std::max(bound(start), bound(end))};
}

Tensor sliced(const Tensor& tensor, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const auto [first, last] = clamped(start, end, tensor.shape[static_cast<size_t>(axis)]);
  return narrowed(tensor, axis, first, (last - first + step - 1) / step, step);
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnCastGetWorkspaceSize(const aclTensor* self, const aclDataType dtype, aclTensor* out,
                                      uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnCast", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    op.require(y.type == dtype, "dtype is not out's type");
    op.same_shape(x, y);
    op.run([=](const Work& work) { copy_elements(work[x], work[y]); });
  });
}
SECOND_CALL(aclnnCast)

aclnnStatus aclnnInplaceCopyGetWorkspaceSize(aclTensor* selfRef, const aclTensor* src, uint64_t* workspaceSize,
                                             aclOpExecutor** executor) {
  return first_call("aclnnInplaceCopy", workspaceSize, executor, [&](Operation& op) {
    const Operand from = op.input(src, "src", any_type);
    const Operand to = op.output(selfRef, "selfRef", any_type);
    const std::optional<Shape> shape = broadcast_shape(from.shape, to.shape);
    op.require(shape == to.shape, to_string(from.shape) + " does not broadcast to " + to_string(to.shape));
    op.workspace(from.contiguous() && to.contiguous() ? 0 : static_cast<uint64_t>(to.elements()) * to.element_bytes());
    op.copies(from, to);
    op.run([=](const Work& work) { copy_elements(broadcast(work[from], to.shape), work[to]); });
  });
}
SECOND_CALL(aclnnInplaceCopy)

aclnnStatus aclnnInplaceZeroGetWorkspaceSize(aclTensor* selfRef, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnInplaceZero", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.output(selfRef, "selfRef", any_type);
    op.run([=](const Work& work) { fill(work[x], {}); });
  });
}
SECOND_CALL(aclnnInplaceZero)

aclnnStatus aclnnInplaceFillScalarGetWorkspaceSize(aclTensor* selfRef, const aclScalar* value, uint64_t* workspaceSize,
                                                   aclOpExecutor** executor) {
  return first_call("aclnnInplaceFillScalar", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.output(selfRef, "selfRef", any_type);
    const Scalar scalar = op.scalar(value, "value");
    op.run([=](const Work& work) { fill(work[x], scalar); });
  });
}
SECOND_CALL(aclnnInplaceFillScalar)

aclnnStatus aclnnPermuteGetWorkspaceSize(const aclTensor* self, const aclIntArray* dims, aclTensor* out,
                                         uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnPermute", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    std::vector<int64_t> order = op.ints(dims, "dims");
    op.require(static_cast<int64_t>(order.size()) == x.rank(), "dims does not name every extent");
    for (int64_t& axis : order) axis = op.axis(axis, x.rank());
    std::vector<int64_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    op.require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "dims names an extent twice");
    copy(op, x, y, [order](const Tensor& tensor) { return permuted(tensor, order); });
  });
}
SECOND_CALL(aclnnPermute)

aclnnStatus aclnnCatGetWorkspaceSize(const aclTensorList* tensors, int64_t dim, aclTensor* out, uint64_t* workspaceSize,
                                     aclOpExecutor** executor) {
  return first_call("aclnnCat", workspaceSize, executor, [&](Operation& op) {
    const std::vector<Operand> parts = op.input_list(tensors, "tensors", any_type);
    const Operand y = op.output(out, "out", any_type);
    op.require(parts.size() <= 32, "at most 32 tensors");
    const int64_t axis = op.axis(dim, parts[0].rank());
    op.attribute(axis);
    Shape shape = parts[0].shape;
    shape[static_cast<size_t>(axis)] = 0;
    for (const Operand& part : parts) {
      op.same_type(part, parts[0]);
      Shape rest = part.shape;
      op.require(part.rank() == parts[0].rank(), "the tensors have different ranks");
      shape[static_cast<size_t>(axis)] +=
          std::exchange(rest[static_cast<size_t>(axis)], shape[static_cast<size_t>(axis)]);
      rest[static_cast<size_t>(axis)] = shape[static_cast<size_t>(axis)];
      op.require(rest == shape, "the tensors differ in another extent than the one to join");
    }
    op.shape_is(y, shape);
    op.same_type(y, parts[0]);
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      int64_t start = 0;
      for (const Operand& part : parts) {
        const int64_t length = part.shape[static_cast<size_t>(axis)];
        copy_elements(work[part], narrowed(work[y], axis, start, length));
        start += length;
      }
    });
  });
}
SECOND_CALL(aclnnCat)

aclnnStatus aclnnSliceGetWorkspaceSize(const aclTensor* self, int64_t dim, int64_t start, int64_t end, int64_t step,
                                       aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnSlice", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    const int64_t axis = op.axis(dim, x.rank());
    op.require(step > 0, "step is not positive");
    for (const int64_t value : {axis, start, end, step}) op.attribute(value);
    copy(op, x, y, [=](const Tensor& tensor) { return sliced(tensor, axis, start, end, step); });
  });
}
SECOND_CALL(aclnnSlice)

aclnnStatus aclnnSliceV2GetWorkspaceSize(const aclTensor* self, const aclIntArray* starts, const aclIntArray* ends,
                                         const aclIntArray* axes, const aclIntArray* steps, aclTensor* out,
                                         uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnSliceV2", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    const std::vector<int64_t> first = op.ints(starts, "starts"), last = op.ints(ends, "ends");
    const std::vector<int64_t> axis = op.ints(axes, "axes"), step = op.ints(steps, "steps");
    op.require(first.size() == last.size() && axis.size() == step.size() && first.size() == axis.size(),
               "starts, ends, axes and steps have different lengths");
    for (size_t i = 0; i < axis.size(); ++i) op.require(step[i] > 0 && op.axis(axis[i], x.rank()) >= 0, "bad step");
    copy(op, x, y, [=](Tensor tensor) {
      for (size_t i = 0; i < axis.size(); ++i) {
        tensor = sliced(tensor, axis[i] < 0 ? axis[i] + tensor.rank() : axis[i], first[i], last[i], step[i]);
      }
      return tensor;
    });
  });
}
SECOND_CALL(aclnnSliceV2)

aclnnStatus aclnnRepeatGetWorkspaceSize(const aclTensor* self, const aclIntArray* repeats, aclTensor* out,
                                        uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnRepeat", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    const std::vector<int64_t> times = op.ints(repeats, "repeats");
    op.require(times.size() >= x.shape.size() && times.size() <= 4,
               "repeats has fewer entries than extents, or over 4");
    Shape source(times.size() - x.shape.size(), 1);
    source.insert(source.end(), x.shape.begin(), x.shape.end());
    // As [times, extent] pairs: the times are broadcast.
    Shape pairs, single, shape;
    for (size_t i = 0; i < times.size(); ++i) {
      op.require(times[i] >= 0, "negative repeats");
      pairs.insert(pairs.end(), {times[i], source[i]});
      single.insert(single.end(), {1, source[i]});
      shape.push_back(times[i] * source[i]);
    }
    op.shape_is(y, shape);
    op.same_type(x, y);
    op.require(y.contiguous(), "the fake repeats into contiguous tensors only");
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      const std::vector<std::byte> elements = raw(work[x]);
      Tensor dense = work[x];
      dense.data = const_cast<std::byte*>(elements.data());
      dense.offset = 0;
      dense.shape = single;
      dense.strides = dense_strides(single);
      Tensor target = work[y];
      target.shape = pairs;
      target.strides = dense_strides(pairs);
      copy_elements(broadcast(dense, pairs), target);
    });
  });
}
SECOND_CALL(aclnnRepeat)

aclnnStatus aclnnExpandGetWorkspaceSize(const aclTensor* self, const aclIntArray* size, aclTensor* out,
                                        uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnExpand", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand y = op.output(out, "out", any_type);
    Shape shape = op.ints(size, "size");
    op.require(shape.size() >= x.shape.size(), "size has fewer entries than extents");
    for (size_t i = 0; i < x.shape.size(); ++i) {
      int64_t& extent = shape[shape.size() - x.shape.size() + i];
      if (extent == -1) extent = x.shape[i];
      op.require(x.shape[i] == 1 || x.shape[i] == extent, to_string(x.shape) + " does not expand to this size");
    }
    copy(op, x, y, [shape](const Tensor& tensor) { return broadcast(tensor, shape); });
  });
}
SECOND_CALL(aclnnExpand)

aclnnStatus aclnnConstantPadNdGetWorkspaceSize(const aclTensor* self, const aclIntArray* pad, const aclScalar* value,
                                               aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnConstantPadNd", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral | boolean);
    const Operand y = op.output(out, "out", floating | integral | boolean);
    const std::vector<int64_t> pairs = op.ints(pad, "pad");
    const Scalar scalar = op.scalar(value, "value");
    op.require(pairs.size() % 2 == 0 && pairs.size() / 2 <= x.shape.size(), "pad has an odd or too large length");
    Shape shape = x.shape;
    for (size_t i = 0; i < pairs.size() / 2; ++i) {
      op.require(pairs[2 * i] >= 0 && pairs[2 * i + 1] >= 0, "the fake pads, it does not crop");
      shape[shape.size() - 1 - i] += pairs[2 * i] + pairs[2 * i + 1];
    }
    op.shape_is(y, shape);
    op.same_type(x, y);
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      fill(work[y], scalar);
      Tensor inner = work[y];
      for (size_t i = 0; i < pairs.size() / 2; ++i) {
        const size_t axis = x.shape.size() - 1 - i;
        inner = narrowed(inner, static_cast<int64_t>(axis), pairs[2 * i], x.shape[axis]);
      }
      copy_elements(work[x], inner);
    });
  });
}
SECOND_CALL(aclnnConstantPadNd)

}  // extern "C"
