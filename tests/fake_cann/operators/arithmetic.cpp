// Sums and products, element by element: section 3.6.
#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_div.h"
#include "aclnnop/aclnn_mul.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

constexpr Types number_types = floating | integral | boolean;

// out = combine(a, b), computed in f32 or int64. The combination is generic over both.
template <typename Combine>
void combine_into(Operation& op, const Operand& a, const Operand& b, const Operand& out, const Combine& combine) {
  const std::optional<Shape> shape = broadcast_shape(a.shape, b.shape);
  op.require(shape.has_value(), to_string(a.shape) + " and " + to_string(b.shape) + " do not broadcast");
  op.shape_is(out, *shape);
  const aclDataType type = promoted(a.type, b.type);
  op.require(can_store(type, out.type), name_of(type) + " cannot be written as " + name_of(out.type));
  const bool dense = a.contiguous() && b.contiguous() && out.contiguous();
  op.workspace(dense ? 0 : static_cast<uint64_t>(out.elements()) * out.element_bytes());
  op.run([=](const Work& work) {
    const auto compute = [&](auto x, const auto& y) {
      for (size_t i = 0; i < x.size(); ++i) x[i] = combine(x[i], y[i]);
      store(work[out], x);
    };
    const Tensor left = broadcast(work[a], out.shape);
    const Tensor right = broadcast(work[b], out.shape);
    if (is_floating(type))
      compute(floats(left), floats(right));
    else
      compute(integers(left), integers(right));
  });
}

// out = combine(a, scalar) in a's type.
template <typename Combine>
void combine_scalar(Operation& op, const Operand& a, const Scalar& scalar, const Operand& out, const Combine& combine) {
  op.same_shape(a, out);
  op.require(can_store(a.type, out.type), name_of(a.type) + " cannot be written as " + name_of(out.type));
  op.run([=](const Work& work) {
    const auto compute = [&](auto x, auto value) {
      for (auto& element : x) element = combine(element, value);
      store(work[out], x);
    };
    if (is_floating(a.type))
      compute(floats(work[a]), static_cast<float>(scalar.value));
    else
      compute(integers(work[a]), scalar.integer);
  });
}

auto product_of() {
  return [](auto x, auto y) { return x * y; };
}

auto sum_with(const Scalar& alpha) {
  return [alpha](auto x, auto y) {
    if constexpr (std::is_same_v<decltype(x), float>)
      return x + static_cast<float>(alpha.value) * y;
    else
      return x + alpha.integer * y;
  };
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnAddGetWorkspaceSize(const aclTensor* self, const aclTensor* other, const aclScalar* alpha,
                                     aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnAdd", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", number_types);
    const Operand b = op.input(other, "other", number_types);
    combine_into(op, a, b, op.output(out, "out", number_types), sum_with(op.scalar(alpha, "alpha")));
  });
}
SECOND_CALL(aclnnAdd)

aclnnStatus aclnnInplaceAddGetWorkspaceSize(const aclTensor* selfRef, const aclTensor* other, const aclScalar* alpha,
                                            uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnInplaceAdd", workspaceSize, executor, [&](Operation& op) {
    const Operand b = op.input(other, "other", number_types);
    const Operand a = op.output(selfRef, "selfRef", number_types);
    combine_into(op, a, b, a, sum_with(op.scalar(alpha, "alpha")));
  });
}
SECOND_CALL(aclnnInplaceAdd)

aclnnStatus aclnnAddsGetWorkspaceSize(const aclTensor* self, const aclScalar* other, const aclScalar* alpha,
                                      aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnAdds", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", number_types);
    const Scalar value = op.scalar(other, "other");
    combine_scalar(op, a, value, op.output(out, "out", number_types), sum_with(op.scalar(alpha, "alpha")));
  });
}
SECOND_CALL(aclnnAdds)

aclnnStatus aclnnInplaceAddsGetWorkspaceSize(const aclTensor* selfRef, const aclScalar* other, const aclScalar* alpha,
                                             uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnInplaceAdds", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.output(selfRef, "selfRef", number_types);
    const Scalar value = op.scalar(other, "other");
    combine_scalar(op, a, value, a, sum_with(op.scalar(alpha, "alpha")));
  });
}
SECOND_CALL(aclnnInplaceAdds)

aclnnStatus aclnnMulGetWorkspaceSize(const aclTensor* self, const aclTensor* other, aclTensor* out,
                                     uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMul", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", number_types);
    const Operand b = op.input(other, "other", number_types);
    combine_into(op, a, b, op.output(out, "out", number_types), product_of());
  });
}
SECOND_CALL(aclnnMul)

aclnnStatus aclnnInplaceMulGetWorkspaceSize(aclTensor* selfRef, const aclTensor* other, uint64_t* workspaceSize,
                                            aclOpExecutor** executor) {
  return first_call("aclnnInplaceMul", workspaceSize, executor, [&](Operation& op) {
    const Operand b = op.input(other, "other", number_types);
    const Operand a = op.output(selfRef, "selfRef", number_types);
    combine_into(op, a, b, a, product_of());
  });
}
SECOND_CALL(aclnnInplaceMul)

aclnnStatus aclnnMulsGetWorkspaceSize(const aclTensor* self, const aclScalar* other, aclTensor* out,
                                      uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnMuls", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", number_types);
    const Scalar value = op.scalar(other, "other");
    combine_scalar(op, a, value, op.output(out, "out", number_types), product_of());
  });
}
SECOND_CALL(aclnnMuls)

aclnnStatus aclnnInplaceMulsGetWorkspaceSize(aclTensor* selfRef, const aclScalar* other, uint64_t* workspaceSize,
                                             aclOpExecutor** executor) {
  return first_call("aclnnInplaceMuls", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.output(selfRef, "selfRef", number_types);
    combine_scalar(op, a, op.scalar(other, "other"), a, product_of());
  });
}
SECOND_CALL(aclnnInplaceMuls)

aclnnStatus aclnnDivGetWorkspaceSize(const aclTensor* self, const aclTensor* other, aclTensor* out,
                                     uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnDiv", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", floating);
    const Operand b = op.input(other, "other", floating);
    combine_into(op, a, b, op.output(out, "out", floating),
                 [](auto x, auto y) { return std::is_integral_v<decltype(x)> && y == 0 ? x : x / y; });
  });
}
SECOND_CALL(aclnnDiv)

}  // extern "C"
