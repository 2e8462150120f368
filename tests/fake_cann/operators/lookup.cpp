// Choosing rows and elements by index: section 3.7. The device checks no index; here a bad one is a fault.
#include <cstring>

#include "aclnnop/aclnn_embedding.h"
#include "aclnnop/aclnn_gather.h"
#include "aclnnop/aclnn_gather_v2.h"
#include "aclnnop/aclnn_index.h"
#include "aclnnop/aclnn_index_select.h"
#include "aclnnop/aclnn_masked_fill_scalar.h"
#include "aclnnop/aclnn_masked_fill_tensor.h"
#include "aclnnop/aclnn_s_where.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

// out = whole slices of x along an axis, in the shape before the axis + index's shape + the shape after it.
void gather_slices(Operation& op, const Operand& x, int64_t axis, const Operand& index, const Operand& y) {
  Shape shape(x.shape.begin(), x.shape.begin() + axis);
  shape.insert(shape.end(), index.shape.begin(), index.shape.end());
  shape.insert(shape.end(), x.shape.begin() + axis + 1, x.shape.end());
  op.shape_is(y, shape);
  op.same_type(x, y);
  op.attribute(axis);
  op.moves(x, static_cast<double>(y.elements()) * static_cast<double>(y.element_bytes()));  // what is looked up
  op.workspace(y.contiguous() ? 0 : static_cast<uint64_t>(y.elements()) * y.element_bytes());
  op.run([=](const Work& work) {
    const Integers rows = integers(work[index]);
    const Split split = split_at(x.shape, axis);
    const size_t bytes = static_cast<size_t>(split.inner) * x.element_bytes();
    std::vector<std::byte> result(rows.size() * static_cast<size_t>(split.outer) * bytes);
    // Of large tables only the rows asked for are read.
    const bool dense = work[x].contiguous();
    const std::vector<std::byte> copied = dense ? std::vector<std::byte>{} : raw(work[x]);
    const std::byte* table = dense ? work[x].at<std::byte>() : copied.data();
    if (dense) table = bytes_of(work[x].data) + static_cast<size_t>(x.offset) * x.element_bytes();
    std::byte* out = result.data();
    for (int64_t outer = 0; outer < split.outer; ++outer) {
      for (const int64_t row : rows) {
        const int64_t at = outer * split.extent + checked_index(row, split.extent, "gather");
        if (bytes > 0) std::memcpy(out, table + static_cast<size_t>(at) * bytes, bytes);
        out += bytes;
      }
    }
    store_raw(work[y], result);
  });
}

template <typename Choose>
void where(Operation& op, const Operand& condition, const Operand& out, const Choose& choose) {
  op.run([=](const Work& work) {
    const Integers chosen = integers(broadcast(work[condition], out.shape));
    choose(work, chosen);
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnGatherV2GetWorkspaceSize(const aclTensor* self, int64_t dim, const aclTensor* index, aclTensor* out,
                                          uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnGatherV2", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand rows = op.input(index, "index", index_types);
    gather_slices(op, x, op.axis(dim, x.rank()), rows, op.output(out, "out", any_type));
  });
}
SECOND_CALL(aclnnGatherV2)

aclnnStatus aclnnIndexSelectGetWorkspaceSize(const aclTensor* self, int64_t dim, const aclTensor* index, aclTensor* out,
                                             uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnIndexSelect", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    Operand rows = op.input(index, "index", index_types);
    op.require(rows.rank() <= 1, "index has at most one extent");
    if (rows.shape.empty()) rows.shape = {1}, rows.strides = {1};
    gather_slices(op, x, op.axis(dim, x.rank()), rows, op.output(out, "out", any_type));
  });
}
SECOND_CALL(aclnnIndexSelect)

aclnnStatus aclnnEmbeddingGetWorkspaceSize(const aclTensor* weight, const aclTensor* indices, const aclTensor* out,
                                           uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnEmbedding", workspaceSize, executor, [&](Operation& op) {
    const Operand table = op.input(weight, "weight", any_type);
    const Operand rows = op.input(indices, "indices", index_types);
    op.require(table.rank() == 2, "weight has two extents");
    gather_slices(op, table, 0, rows, op.output(out, "out", any_type));
  });
}
SECOND_CALL(aclnnEmbedding)

aclnnStatus aclnnIndexGetWorkspaceSize(const aclTensor* self, const aclTensorList* indices, aclTensor* out,
                                       uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnIndex", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const std::vector<Operand> rows = op.input_list(indices, "indices", index_types);
    op.require(rows.size() == 1, "the fake indexes the first extent only");
    gather_slices(op, x, 0, rows[0], op.output(out, "out", any_type));
  });
}
SECOND_CALL(aclnnIndex)

aclnnStatus aclnnGatherGetWorkspaceSize(const aclTensor* self, const int64_t dim, const aclTensor* index,
                                        aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnGather", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", any_type);
    const Operand at = op.input(index, "index", index_types);
    const Operand y = op.output(out, "out", any_type);
    op.require(x.rank() == at.rank(), "index and self have different ranks");
    op.same_shape(at, y);
    op.same_type(x, y);
    const int64_t axis = op.axis(dim, x.rank());
    for (int64_t i = 0; i < x.rank(); ++i) {
      const auto extent = static_cast<size_t>(i);
      op.require(i == axis || at.shape[extent] <= x.shape[extent], "index is larger than self");
    }
    op.attribute(axis);
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      // index may be smaller than self in the other extents.
      Tensor source = work[x];
      for (int64_t i = 0; i < x.rank(); ++i) {
        if (i != axis) source = narrowed(source, i, 0, at.shape[static_cast<size_t>(i)]);
      }
      const std::vector<std::byte> elements = raw(source);
      const Integers places = integers(work[at]);
      const size_t bytes = x.element_bytes();
      std::vector<std::byte> result(places.size() * bytes);
      const Split split = split_at(at.shape, axis);
      const int64_t extent = x.shape[static_cast<size_t>(axis)];
      for (size_t i = 0; i < places.size(); ++i) {
        const int64_t outer = static_cast<int64_t>(i) / (split.extent * split.inner);
        const int64_t inner = static_cast<int64_t>(i) % split.inner;
        const int64_t place = (outer * extent + checked_index(places[i], extent, "aclnnGather")) * split.inner + inner;
        std::memcpy(result.data() + i * bytes, elements.data() + static_cast<size_t>(place) * bytes, bytes);
      }
      store_raw(work[y], result);
    });
  });
}
SECOND_CALL(aclnnGather)

aclnnStatus aclnnSWhereGetWorkspaceSize(const aclTensor* condition, const aclTensor* self, const aclTensor* other,
                                        aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnSWhere", workspaceSize, executor, [&](Operation& op) {
    const Operand chosen = op.input(condition, "condition", boolean | types({ACL_UINT8}));
    const Operand a = op.input(self, "self", floating | integral);
    const Operand b = op.input(other, "other", floating | integral);
    const Operand y = op.output(out, "out", floating | integral);
    op.same_type(a, b);
    op.same_type(a, y);
    for (const Operand* operand : {&chosen, &a, &b}) {
      op.require(broadcast_shape(operand->shape, y.shape) == y.shape, "the shapes do not broadcast to out's");
    }
    op.workspace(16 << 10);
    where(op, chosen, y, [=](const Work& work, const Integers& choice) {
      std::vector<std::byte> result = raw(broadcast(work[b], y.shape));
      const std::vector<std::byte> taken = raw(broadcast(work[a], y.shape));
      const size_t bytes = y.element_bytes();
      for (size_t i = 0; i < choice.size(); ++i) {
        if (choice[i] != 0) std::memcpy(result.data() + i * bytes, taken.data() + i * bytes, bytes);
      }
      store_raw(work[y], result);
    });
  });
}
SECOND_CALL(aclnnSWhere)

aclnnStatus aclnnInplaceMaskedFillScalarGetWorkspaceSize(aclTensor* selfRef, const aclTensor* mask,
                                                         const aclScalar* value, uint64_t* workspaceSize,
                                                         aclOpExecutor** executor) {
  return first_call("aclnnInplaceMaskedFillScalar", workspaceSize, executor, [&](Operation& op) {
    const Operand chosen = op.input(mask, "mask", boolean);
    const Operand x = op.output(selfRef, "selfRef", floating | integral);
    const Scalar scalar = op.scalar(value, "value");
    op.require(broadcast_shape(chosen.shape, x.shape) == x.shape, "mask does not broadcast to selfRef");
    op.workspace(16 << 10);
    where(op, chosen, x, [=](const Work& work, const Integers& choice) {
      const auto fill = [&](auto values, auto filling) {
        for (size_t i = 0; i < choice.size(); ++i) {
          if (choice[i] != 0) values[i] = filling;
        }
        store(work[x], values);
      };
      if (is_floating(x.type))
        fill(floats(work[x]), static_cast<float>(scalar.value));
      else
        fill(integers(work[x]), scalar.integer);
    });
  });
}
SECOND_CALL(aclnnInplaceMaskedFillScalar)

aclnnStatus aclnnInplaceMaskedFillTensorGetWorkspaceSize(aclTensor* selfRef, const aclTensor* mask,
                                                         const aclTensor* value, uint64_t* workspaceSize,
                                                         aclOpExecutor** executor) {
  return first_call("aclnnInplaceMaskedFillTensor", workspaceSize, executor, [&](Operation& op) {
    const Operand chosen = op.input(mask, "mask", boolean);
    const Operand filling = op.input(value, "value", floating | integral);
    const Operand x = op.output(selfRef, "selfRef", floating | integral);
    op.require(filling.elements() == 1, "value holds one element");
    op.same_type(filling, x);
    op.require(broadcast_shape(chosen.shape, x.shape) == x.shape, "mask does not broadcast to selfRef");
    op.workspace(16 << 10);
    where(op, chosen, x, [=](const Work& work, const Integers& choice) {
      std::vector<std::byte> values = raw(work[x]);
      const std::vector<std::byte> element = raw(work[filling]);
      for (size_t i = 0; i < choice.size(); ++i) {
        if (choice[i] != 0) std::memcpy(values.data() + i * element.size(), element.data(), element.size());
      }
      store_raw(work[x], values);
    });
  });
}
SECOND_CALL(aclnnInplaceMaskedFillTensor)

}  // extern "C"
