// Writing by index: section 3.8.
#include <cstring>
#include <set>

#include "aclnnop/aclnn_index_copy.h"
#include "aclnnop/aclnn_index_put_impl.h"
#include "aclnnop/aclnn_masked_scatter.h"
#include "aclnnop/aclnn_scatter.h"
#include "aclnnop/aclnn_scatter_add.h"
#include "aclnnop/aclnn_scatter_nd_update.h"
#include "aclnnop/aclnn_scatter_update.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

constexpr Types moved = floating | types({ACL_INT32, ACL_INT64});

// Slices of source to places along an axis. Which of two writes to one place wins is not said: here it is a fault.
void write_slices(const Tensor& target, int64_t axis, const Integers& places, const Tensor& source) {
  std::set<int64_t> written;
  for (size_t i = 0; i < places.size(); ++i) {
    checked_index(places[i], target.shape[static_cast<size_t>(axis)], "index copy");
    if (!written.insert(places[i]).second) fault("index copy: index " + std::to_string(places[i]) + " is repeated");
    copy_elements(narrowed(source, axis, static_cast<int64_t>(i), 1), narrowed(target, axis, places[i], 1));
  }
}

void index_copy(Operation& op, const Operand& index, const Operand& source, const Operand& target,
                const std::optional<Operand>& out, int64_t dim) {
  const int64_t axis = op.axis(dim, target.rank());
  op.require(index.rank() <= 1, "index has at most one extent");
  op.same_type(source, target);
  Shape shape = target.shape;
  shape[static_cast<size_t>(axis)] = index.elements();
  op.shape_is(source, shape);
  op.attribute(axis);
  if (out) {
    op.same_shape(*out, target);
    op.same_type(*out, target);
  }
  op.abandons_cache();  // its result is copied onto itself
  op.moves(target, static_cast<double>(source.elements()) * static_cast<double>(source.element_bytes()));
  op.workspace(axis == 0 ? 0 : static_cast<uint64_t>(target.elements()) * target.element_bytes());
  op.run([=](const Work& work) {
    write_slices(work[target], axis, integers(work[index]), work[source]);
    if (out) copy_elements(work[target], work[*out]);
  });
}

enum class Reduce : int64_t { none, add, multiply };

// Element by element: target[.., index[i], ..] = source[i], or the sum, or the product.
void scatter(Operation& op, const Operand& x, int64_t dim, const Operand& index, const Operand& source,
             const Operand& out, int64_t reduce) {
  op.require(reduce >= 0 && reduce <= 2, "reduce is 0, 1 or 2");
  op.require(x.rank() == index.rank() && x.rank() == source.rank(), "self, index and src have different ranks");
  const int64_t axis = op.axis(dim, x.rank());
  op.same_shape(x, out);
  for (const Operand* operand : {&source, &out}) op.same_type(*operand, x);
  for (int64_t i = 0; i < x.rank(); ++i) {
    const auto extent = static_cast<size_t>(i);
    op.require(index.shape[extent] <= source.shape[extent], "index is larger than src");
    op.require(i == axis || index.shape[extent] <= x.shape[extent], "index is larger than self");
  }
  for (const int64_t value : {axis, reduce}) op.attribute(value);
  op.workspace(static_cast<uint64_t>(out.elements()) * 4 + 512);
  op.run([=](const Work& work) {
    const Integers places = integers(work[index]);
    Tensor used = work[source];
    used.shape = index.shape;
    const auto write = [&](auto values, const auto& added) {
      const Shape strides = dense_strides(x.shape), own = dense_strides(index.shape);
      for (size_t i = 0; i < places.size(); ++i) {
        int64_t at = 0;
        for (size_t axis_of = 0; axis_of < index.shape.size(); ++axis_of) {
          const int64_t coordinate = static_cast<int64_t>(i) / own[axis_of] % index.shape[axis_of];
          const bool indexed = static_cast<int64_t>(axis_of) == axis;
          at += strides[axis_of] * (indexed ? checked_index(places[i], x.shape[axis_of], "scatter") : coordinate);
        }
        auto& value = values[static_cast<size_t>(at)];
        switch (Reduce{reduce}) {
          case Reduce::none: value = added[i]; break;
          case Reduce::add: value += added[i]; break;
          case Reduce::multiply: value *= added[i]; break;
        }
      }
      store(work[out], values);
    };
    if (is_floating(x.type))
      write(floats(work[x]), floats(used));
    else
      write(integers(work[x]), integers(used));
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

// updates[i] to the slice of varRef that the i-th row of indices names. Without a copy onto itself where varRef is
// dense: such a call can be repeated.
aclnnStatus aclnnScatterNdUpdateGetWorkspaceSize(aclTensor* varRef, const aclTensor* indices, const aclTensor* updates,
                                                 uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnScatterNdUpdate", workspaceSize, executor, [&](Operation& op) {
    op.require(!is_310p(), "not on this chip");
    const Operand target = op.output(varRef, "varRef", floating | types({ACL_INT64, ACL_BOOL, ACL_INT8}));
    const Operand index = op.input(indices, "indices", index_types);
    const Operand source = op.input(updates, "updates", floating | types({ACL_INT64, ACL_BOOL, ACL_INT8}));
    op.same_type(source, target);
    op.require(index.rank() >= 2, "indices has two extents or more, the last as many as extents are indexed");
    op.require(index.rank() == 2 && index.shape[1] == 1, "the fake indexes the first extent alone");
    Shape shape = target.shape;
    shape[0] = index.shape[0];
    op.shape_is(source, shape);
    if (!target.contiguous()) op.hides(kernels_of_reading(target));
    op.moves(target, static_cast<double>(source.elements()) * static_cast<double>(source.element_bytes()));
    op.run([=](const Work& work) { write_slices(work[target], 0, integers(work[index]), work[source]); });
  });
}
SECOND_CALL(aclnnScatterNdUpdate)

aclnnStatus aclnnIndexCopyGetWorkspaceSize(aclTensor* selfRef, int64_t dim, const aclTensor* index,
                                           const aclTensor* source, aclTensor* outRef, uint64_t* workspaceSize,
                                           aclOpExecutor** executor) {
  return first_call("aclnnIndexCopy", workspaceSize, executor, [&](Operation& op) {
    const Operand at = op.input(index, "index", index_types);
    const Operand from = op.input(source, "source", moved);
    const Operand x = op.output(selfRef, "selfRef", moved);
    index_copy(op, at, from, x, op.output(outRef, "outRef", moved), dim);
  });
}
SECOND_CALL(aclnnIndexCopy)

aclnnStatus aclnnInplaceIndexCopyGetWorkspaceSize(aclTensor* selfRef, int64_t dim, const aclTensor* index,
                                                  const aclTensor* source, uint64_t* workspaceSize,
                                                  aclOpExecutor** executor) {
  return first_call("aclnnInplaceIndexCopy", workspaceSize, executor, [&](Operation& op) {
    const Operand at = op.input(index, "index", index_types);
    const Operand from = op.input(source, "source", moved);
    index_copy(op, at, from, op.output(selfRef, "selfRef", moved), std::nullopt, dim);
  });
}
SECOND_CALL(aclnnInplaceIndexCopy)

aclnnStatus aclnnScatterAddGetWorkspaceSize(const aclTensor* self, int64_t dim, const aclTensor* index,
                                            const aclTensor* src, aclTensor* out, uint64_t* workspaceSize,
                                            aclOpExecutor** executor) {
  return first_call("aclnnScatterAdd", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral);
    const Operand at = op.input(index, "index", index_types);
    const Operand from = op.input(src, "src", floating | integral);
    scatter(op, x, dim, at, from, op.output(out, "out", floating | integral), 1);
  });
}
SECOND_CALL(aclnnScatterAdd)

aclnnStatus aclnnScatterGetWorkspaceSize(const aclTensor* self, int64_t dim, const aclTensor* index,
                                         const aclTensor* src, int64_t reduce, aclTensor* out, uint64_t* workspaceSize,
                                         aclOpExecutor** executor) {
  return first_call("aclnnScatter", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral | boolean);
    const Operand at = op.input(index, "index", index_types);
    const Operand from = op.input(src, "src", floating | integral | boolean);
    scatter(op, x, dim, at, from, op.output(out, "out", floating | integral | boolean), reduce);
  });
}
SECOND_CALL(aclnnScatter)

aclnnStatus aclnnInplaceScatterGetWorkspaceSize(aclTensor* selfRef, int64_t dim, const aclTensor* index,
                                                const aclTensor* src, int64_t reduce, uint64_t* workspaceSize,
                                                aclOpExecutor** executor) {
  return first_call("aclnnInplaceScatter", workspaceSize, executor, [&](Operation& op) {
    const Operand at = op.input(index, "index", index_types);
    const Operand from = op.input(src, "src", floating | integral | boolean);
    const Operand x = op.output(selfRef, "selfRef", floating | integral | boolean);
    scatter(op, x, dim, at, from, x, reduce);
  });
}
SECOND_CALL(aclnnInplaceScatter)

// updates[i] goes to row i of data, from place indices[i] of the axis on.
aclnnStatus aclnnInplaceScatterUpdateGetWorkspaceSize(aclTensor* data, const aclTensor* indices,
                                                      const aclTensor* updates, int64_t axis, uint64_t* workspaceSize,
                                                      aclOpExecutor** executor) {
  return first_call("aclnnInplaceScatterUpdate", workspaceSize, executor, [&](Operation& op) {
    const Types allowed = floating | types({ACL_INT8, ACL_INT32});
    const Operand at = op.input(indices, "indices", index_types);
    const Operand from = op.input(updates, "updates", allowed);
    const Operand x = op.output(data, "data", allowed);
    const int64_t along = op.axis(axis, x.rank());
    op.require(x.rank() >= 2 && along != 0, "data has 2 to 8 extents, and axis is not 0");
    op.require(at.rank() == 1 && from.rank() == x.rank() && from.shape[0] == at.shape[0] && from.shape[0] <= x.shape[0],
               "updates has one row for each index");
    op.same_type(from, x);
    Shape shape = from.shape;
    shape[0] = x.shape[0];
    op.require(shape[static_cast<size_t>(along)] <= x.shape[static_cast<size_t>(along)], "updates is longer than data");
    shape[static_cast<size_t>(along)] = x.shape[static_cast<size_t>(along)];
    op.require(shape == x.shape, "updates differs from data in another extent than axis");
    op.attribute(along);
    op.run([=](const Work& work) {
      const Integers starts = integers(work[at]);
      const int64_t length = from.shape[static_cast<size_t>(along)];
      for (size_t i = 0; i < starts.size(); ++i) {
        const int64_t room = x.shape[static_cast<size_t>(along)] - length;
        checked_index(starts[i], room + 1, "aclnnInplaceScatterUpdate");
        const auto row = static_cast<int64_t>(i);
        copy_elements(narrowed(work[from], 0, row, 1),
                      narrowed(narrowed(work[x], 0, row, 1), along, starts[i], length));
      }
    });
  });
}
SECOND_CALL(aclnnInplaceScatterUpdate)

aclnnStatus aclnnInplaceMaskedScatterGetWorkspaceSize(aclTensor* selfRef, const aclTensor* mask,
                                                      const aclTensor* source, uint64_t* workspaceSize,
                                                      aclOpExecutor** executor) {
  return first_call("aclnnInplaceMaskedScatter", workspaceSize, executor, [&](Operation& op) {
    const Operand chosen = op.input(mask, "mask", boolean | types({ACL_UINT8}));
    const Operand from = op.input(source, "source", floating | integral);
    const Operand x = op.output(selfRef, "selfRef", floating | integral);
    op.same_type(from, x);
    op.require(broadcast_shape(chosen.shape, x.shape) == x.shape, "mask does not broadcast to selfRef");
    op.workspace(static_cast<uint64_t>(x.elements()) * x.element_bytes() + 512);
    op.run([=](const Work& work) {
      const Integers choice = integers(broadcast(work[chosen], x.shape));
      const std::vector<std::byte> elements = raw(work[from]);
      std::vector<std::byte> values = raw(work[x]);
      const size_t bytes = x.element_bytes();
      size_t next = 0;
      for (size_t i = 0; i < choice.size(); ++i) {
        if (choice[i] == 0) continue;
        if ((next + 1) * bytes > elements.size()) fault("aclnnInplaceMaskedScatter: source holds too few elements");
        std::memcpy(values.data() + i * bytes, elements.data() + next++ * bytes, bytes);
      }
      store_raw(work[x], values);
    });
  });
}
SECOND_CALL(aclnnInplaceMaskedScatter)

// With one index, that of the first extent.
aclnnStatus aclnnIndexPutImplGetWorkspaceSize(aclTensor* selfRef, const aclTensorList* indices, const aclTensor* values,
                                              const bool accumulate, const bool unsafe, uint64_t* workspaceSize,
                                              aclOpExecutor** executor) {
  return first_call("aclnnIndexPutImpl", workspaceSize, executor, [&](Operation& op) {
    (void)unsafe;
    const std::vector<Operand> rows = op.input_list(indices, "indices", index_types);
    const Operand from = op.input(values, "values", moved);
    const Operand x = op.output(selfRef, "selfRef", moved);
    op.require(rows.size() == 1 && rows[0].rank() == 1, "the fake indexes the first extent only");
    op.require(!accumulate, "the fake does not accumulate here");
    Shape shape = x.shape;
    shape[0] = rows[0].shape[0];
    op.require(broadcast_shape(from.shape, shape) == shape, "values do not broadcast to the rows");
    op.same_type(from, x);
    op.workspace(16 << 10);
    op.run([=](const Work& work) { write_slices(work[x], 0, integers(work[rows[0]]), broadcast(work[from], shape)); });
  });
}
SECOND_CALL(aclnnIndexPutImpl)

}  // extern "C"
