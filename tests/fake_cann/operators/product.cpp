// Matrix products: section 3.1.
#include <bit>
#include <cstring>

#include "aclnnop/aclnn_addmm.h"
#include "aclnnop/aclnn_batch_matmul.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_mm.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

// The last two extents as a matrix; dense either way round, so that a transposed weight costs nothing.
struct Matrix {
  Floats values;
  bool transposed = false;
};

float as_hf32(float value) {  // 11 bits of fraction are kept
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return std::bit_cast<float>((bits + 0x7ffu + ((bits >> 12) & 1u)) & 0xfffff000u);
}

Matrix matrix_of(const Tensor& tensor, int8_t cube_math_type) {
  std::vector<int64_t> order(tensor.shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  const Tensor turned = permuted(tensor, order);
  Matrix matrix;
  matrix.transposed = !tensor.contiguous() && turned.contiguous();
  matrix.values = floats(matrix.transposed ? turned : tensor);
  if (tensor.type == ACL_FLOAT && cube_math_type != 0) {
    for (float& value : matrix.values) value = cube_math_type == 2 ? rounded_to(ACL_FLOAT16, value) : as_hf32(value);
  }
  return matrix;
}

// `casts`: an operator that converts its product, rounded already, to out's type.
void check_types(Operation& op, const Operand& a, const Operand& b, const Operand& out, int8_t cube_math_type,
                 bool casts = false) {
  op.require(cube_math_type >= 0 && cube_math_type <= (version_is_at_least("8.5.0") ? 4 : 3), "unknown cubeMathType");
  op.attribute(cube_math_type);
  op.require((a.type == ACL_BF16) == (b.type == ACL_BF16), "bf16 goes with bf16 only");
  op.require(cube_math_type != 2 || a.type != ACL_BF16, "cubeMathType 2 is not for bf16");
  const aclDataType type = promoted(a.type, b.type);
  // Up to 8.3.RC1 the product is made in the promoted type and copied to out by a copy that converts nothing.
  const bool widens = type == ACL_FLOAT16 && out.type == ACL_FLOAT && (version_is_at_least("8.5.0") || casts);
  if (out.type != type && !widens) {
    fail(executor_null,
         name_of(a.type) + " x " + name_of(b.type) + " does not give " + name_of(out.type) + " in this version");
  }
  for (const Operand* operand : {&a, &b}) op.takes_transposed(*operand);
  if (widens && !version_is_at_least("8.5.0")) op.hides({1, 0});  // Cast
}

// out = a b for stacks of matrices of two extents or more.
void product_into(Operation& op, const Operand& a, const Operand& b, const Operand& out, int8_t cube_math_type,
                  bool casts) {
  check_types(op, a, b, out, cube_math_type, casts);
  const bool rounds = casts && out.type == ACL_FLOAT && a.type == ACL_FLOAT16 && !version_is_at_least("8.5.0");
  const int64_t m = a.shape[a.shape.size() - 2], k = a.shape.back(), n = b.shape.back();
  op.require(b.shape[b.shape.size() - 2] == k, to_string(a.shape) + " and " + to_string(b.shape) + " do not multiply");
  const Shape a_batch(a.shape.begin(), a.shape.end() - 2), b_batch(b.shape.begin(), b.shape.end() - 2);
  const std::optional<Shape> batch = broadcast_shape(a_batch, b_batch);
  op.require(batch.has_value(),
             "the batches " + to_string(a_batch) + " and " + to_string(b_batch) + " do not broadcast");
  Shape shape = *batch;
  shape.insert(shape.end(), {m, n});
  op.shape_is(out, shape);
  op.operations(2 * static_cast<double>(out.elements()) * static_cast<double>(k));
  op.workspace((64 << 10) + static_cast<uint64_t>(out.elements()) * 4);
  op.run([=](const Work& work) {
    const Matrix right = matrix_of(work[b], cube_math_type);
    const Matrix left{floats(work[a]), false};
    Matrix rounded = left;
    if (cube_math_type != 0) rounded = matrix_of(work[a], cube_math_type);
    if (rounded.transposed) rounded = left;
    Floats result(static_cast<size_t>(out.elements()));
    // Which matrix of each stack goes with the i-th of the result.
    const auto member = [&](const Shape& own, int64_t i) {
      int64_t at = 0, scale = 1;
      for (size_t axis = batch->size(); axis-- > 0; i /= (*batch)[axis]) {
        const size_t missing = batch->size() - own.size();
        if (axis < missing) continue;
        const int64_t extent = own[axis - missing];
        if (extent != 1) at += i % (*batch)[axis] * scale;
        scale *= extent;
      }
      return at;
    };
    const auto finish = [&](const Work& of, Floats& values) {
      if (rounds) {
        for (float& value : values) value = rounded_to(ACL_FLOAT16, value);
      }
      store(of[out], values);
    };
    const int64_t count = product(*batch);
    if (count > 0 && b_batch.empty()) {
      return multiply(m * count, n, k, rounded.values.data(), right.values.data(), right.transposed, 0, result.data()),
             finish(work, result);
    }
    in_parallel(count, [&](int64_t i) {
      multiply(m, n, k, rounded.values.data() + member(a_batch, i) * m * k,
               right.values.data() + member(b_batch, i) * k * n, right.transposed, 0, result.data() + i * m * n);
    });
    finish(work, result);
  });
}

aclnnStatus product_call(const char* name, const aclTensor* self, const aclTensor* mat2, aclTensor* out,
                         int8_t cube_math_type, int64_t min_rank, int64_t max_rank, uint64_t* workspace,
                         aclOpExecutor** executor) {
  return first_call(name, workspace, executor, [&](Operation& op) {
    const Operand a = op.input(self, "self", floating);
    const Operand b = op.input(mat2, "mat2", floating);
    const Operand y = op.output(out, "out", floating);
    for (const Operand* operand : {&a, &b}) {
      op.require(operand->rank() >= min_rank && operand->rank() <= max_rank,
                 to_string(operand->shape) + " has the wrong number of extents");
    }
    product_into(op, a, b, y, cube_math_type, std::string_view(name) == "aclnnMm");
  });
}

// out = beta * self + alpha * mat1 mat2
void addmm(Operation& op, const Operand& self, const Operand& a, const Operand& b, const Scalar& beta,
           const Scalar& alpha, const Operand& out, int8_t cube_math_type) {
  op.require(a.rank() == 2 && b.rank() == 2, "mat1 and mat2 have two extents");
  op.require(a.shape[1] == b.shape[0], to_string(a.shape) + " and " + to_string(b.shape) + " do not multiply");
  check_types(op, a, b, out, cube_math_type);
  op.require(self.type == out.type || self.type == a.type, "self has another type than the product");
  const int64_t m = a.shape[0], k = a.shape[1], n = b.shape[1];
  op.shape_is(out, {m, n});
  op.require(self.rank() <= 2 && broadcast_shape(self.shape, out.shape) == out.shape,
             to_string(self.shape) + " does not broadcast to " + to_string(out.shape));
  op.operations(2 * static_cast<double>(out.elements()) * static_cast<double>(k));
  if (self.rank() == 2 && self.shape[0] == m && m > 1) op.hides({1, 0});  // no bias of the product's own: Add
  op.workspace((64 << 10) + static_cast<uint64_t>(out.elements()) * 4);
  op.run([=](const Work& work) {
    Floats result = floats(broadcast(work[self], out.shape));
    for (float& value : result) value *= static_cast<float>(beta.value);
    const Matrix right = matrix_of(work[b], cube_math_type);
    Floats left = floats(work[a]);
    for (float& value : left) {
      if (a.type == ACL_FLOAT && cube_math_type != 0)
        value = cube_math_type == 2 ? rounded_to(ACL_FLOAT16, value) : as_hf32(value);
      value *= static_cast<float>(alpha.value);
    }
    multiply(m, n, k, left.data(), right.values.data(), right.transposed, 1, result.data());
    store(work[out], result);
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnMatmulGetWorkspaceSize(const aclTensor* self, const aclTensor* mat2, aclTensor* out,
                                        int8_t cubeMathType, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return product_call("aclnnMatmul", self, mat2, out, cubeMathType, 2, 6, workspaceSize, executor);
}
SECOND_CALL(aclnnMatmul)

aclnnStatus aclnnMmGetWorkspaceSize(const aclTensor* self, const aclTensor* mat2, aclTensor* out, int8_t cubeMathType,
                                    uint64_t* workspaceSize, aclOpExecutor** executor) {
  return product_call("aclnnMm", self, mat2, out, cubeMathType, 2, 2, workspaceSize, executor);
}
SECOND_CALL(aclnnMm)

aclnnStatus aclnnBatchMatMulGetWorkspaceSize(const aclTensor* self, const aclTensor* mat2, aclTensor* out,
                                             int8_t cubeMathType, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return product_call("aclnnBatchMatMul", self, mat2, out, cubeMathType, 3, 3, workspaceSize, executor);
}
SECOND_CALL(aclnnBatchMatMul)

aclnnStatus aclnnAddmmGetWorkspaceSize(const aclTensor* self, const aclTensor* mat1, const aclTensor* mat2,
                                       const aclScalar* beta, const aclScalar* alpha, aclTensor* out,
                                       int8_t cubeMathType, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnAddmm", workspaceSize, executor, [&](Operation& op) {
    const Operand bias = op.input(self, "self", floating);
    const Operand a = op.input(mat1, "mat1", floating);
    const Operand b = op.input(mat2, "mat2", floating);
    const Operand y = op.output(out, "out", floating);
    addmm(op, bias, a, b, op.scalar(beta, "beta"), op.scalar(alpha, "alpha"), y, cubeMathType);
  });
}
SECOND_CALL(aclnnAddmm)

aclnnStatus aclnnInplaceAddmmGetWorkspaceSize(const aclTensor* selfRef, const aclTensor* mat1, const aclTensor* mat2,
                                              const aclScalar* beta, const aclScalar* alpha, int8_t cubeMathType,
                                              uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnInplaceAddmm", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(mat1, "mat1", floating);
    const Operand b = op.input(mat2, "mat2", floating);
    const Operand y = op.output(selfRef, "selfRef", floating);
    addmm(op, y, a, b, op.scalar(beta, "beta"), op.scalar(alpha, "alpha"), y, cubeMathType);
  });
}
SECOND_CALL(aclnnInplaceAddmm)

}  // extern "C"
