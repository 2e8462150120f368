// Activations: section 3.5.
#include <algorithm>
#include <cmath>

#include "aclnnop/aclnn_gelu.h"
#include "aclnnop/aclnn_gelu_v2.h"
#include "aclnnop/aclnn_sigmoid.h"
#include "aclnnop/aclnn_silu.h"
#include "aclnnop/aclnn_swi_glu.h"
#include "aclnnop/aclnn_swish.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }
float gelu_by_tanh(float x) { return 0.5f * x * (1.0f + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x))); }
float gelu_by_erf(float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678f)); }

template <typename Function>
void map(Operation& op, const Operand& x, const Operand& y, Function function) {
  op.same_shape(x, y);
  op.same_type(x, y);
  op.workspace(x.contiguous() && y.contiguous() ? 0 : static_cast<uint64_t>(y.elements()) * y.element_bytes());
  op.run([=](const Work& work) {
    Floats values = floats(work[x]);
    constexpr int64_t share = 1 << 14;
    const auto count = static_cast<int64_t>(values.size());
    in_parallel((count + share - 1) / share, [&](int64_t i) {
      for (int64_t at = i * share; at < std::min((i + 1) * share, count); ++at) {
        values[static_cast<size_t>(at)] = function(values[static_cast<size_t>(at)]);
      }
    });
    store(work[y], values);
  });
}

template <typename Function>
aclnnStatus map_call(const char* name, const aclTensor* self, aclTensor* out, uint64_t* workspace,
                     aclOpExecutor** executor, Function function) {
  return first_call(name, workspace, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating);
    map(op, x, op.output(out, "out", floating), function);
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnGeluGetWorkspaceSize(const aclTensor* self, aclTensor* out, uint64_t* workspaceSize,
                                      aclOpExecutor** executor) {
  return map_call("aclnnGelu", self, out, workspaceSize, executor, gelu_by_tanh);
}
SECOND_CALL(aclnnGelu)

aclnnStatus aclnnGeluV2GetWorkspaceSize(const aclTensor* x, int64_t approximate, aclTensor* y, uint64_t* workspaceSize,
                                        aclOpExecutor** executor) {
  return first_call("aclnnGeluV2", workspaceSize, executor, [&](Operation& op) {
    op.require(approximate == 0 || approximate == 1, "approximate is 0 or 1");
    op.attribute(approximate);
    const Operand in = op.input(x, "x", floating);
    map(op, in, op.output(y, "y", floating), approximate == 0 ? gelu_by_erf : gelu_by_tanh);
  });
}
SECOND_CALL(aclnnGeluV2)

// From 8.5.
aclnnStatus aclnnFastGeluGetWorkspaceSize(const aclTensor* self, aclTensor* out, uint64_t* workspaceSize,
                                          aclOpExecutor** executor) {
  return map_call("aclnnFastGelu", self, out, workspaceSize, executor, [](float x) { return x * sigmoid(1.702f * x); });
}
SECOND_CALL(aclnnFastGelu)

aclnnStatus aclnnSwishGetWorkspaceSize(const aclTensor* self, const aclScalar* betaOptional, aclTensor* out,
                                       uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnSwish", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating);
    const float beta = betaOptional == nullptr ? 1.0f : static_cast<float>(op.scalar(betaOptional, "beta").value);
    map(op, x, op.output(out, "out", floating), [beta](float value) { return value * sigmoid(beta * value); });
  });
}
SECOND_CALL(aclnnSwish)

aclnnStatus aclnnSiluGetWorkspaceSize(const aclTensor* self, aclTensor* out, uint64_t* workspaceSize,
                                      aclOpExecutor** executor) {
  return map_call("aclnnSilu", self, out, workspaceSize, executor, [](float x) { return x * sigmoid(x); });
}
SECOND_CALL(aclnnSilu)

aclnnStatus aclnnSigmoidGetWorkspaceSize(const aclTensor* self, aclTensor* out, uint64_t* workspaceSize,
                                         aclOpExecutor** executor) {
  return map_call("aclnnSigmoid", self, out, workspaceSize, executor, sigmoid);
}
SECOND_CALL(aclnnSigmoid)

aclnnStatus aclnnInplaceSigmoidGetWorkspaceSize(aclTensor* selfRef, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnInplaceSigmoid", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.output(selfRef, "selfRef", floating);
    map(op, x, x, sigmoid);
  });
}
SECOND_CALL(aclnnInplaceSigmoid)

aclnnStatus aclnnSwiGluGetWorkspaceSize(const aclTensor* x, int64_t dim, const aclTensor* out, uint64_t* workspaceSize,
                                        aclOpExecutor** executor) {
  return first_call("aclnnSwiGlu", workspaceSize, executor, [&](Operation& op) {
    const Operand in = op.input(x, "x", floating, {.contiguous = true});
    const Operand y = op.output(out, "out", floating, {.contiguous = true});
    op.same_type(in, y);
    const int64_t axis = op.axis(dim, in.rank());
    op.attribute(axis);
    Shape shape = in.shape;
    int64_t& extent = shape[static_cast<size_t>(axis)];
    op.require(extent % 2 == 0, "the extent to be halved is odd");
    extent /= 2;
    op.shape_is(y, shape);
    const int64_t half = extent;
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      Floats gate = floats(narrowed(work[in], axis, 0, half));
      const Floats up = floats(narrowed(work[in], axis, half, half));
      for (size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] * sigmoid(gate[i]) * up[i];
      store(work[y], gate);
    });
  });
}
SECOND_CALL(aclnnSwiGlu)

}  // extern "C"
