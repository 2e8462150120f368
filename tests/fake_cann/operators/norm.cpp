// Norms: section 3.4. Sums in f64, so that the fake has no error of its own to speak of.
#include <cmath>

#include "aclnnop/aclnn_add_rms_norm.h"
#include "aclnnop/aclnn_layer_norm.h"
#include "aclnnop/aclnn_rms_norm.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

Shape leading(const Operand& x, size_t count) {
  return {x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(count)};
}

void layer_norm(Operation& op, const aclTensor* input, const aclIntArray* normalized, const aclTensor* weight,
                const aclTensor* bias, double epsilon, const aclTensor* out, const aclTensor* mean,
                const aclTensor* rstd) {
  const Operand x = op.input(input, "input", floating);
  const Shape last = op.ints(normalized, "normalizedShape");
  op.require(!last.empty() && last.size() <= x.shape.size() && std::equal(last.rbegin(), last.rend(), x.shape.rbegin()),
             "normalizedShape " + to_string(last) + " is not the end of " + to_string(x.shape));
  const std::optional<Operand> scale = op.optional_input(weight, "weight", floating);
  const std::optional<Operand> shift = op.optional_input(bias, "bias", floating);
  for (const auto& operand : {scale, shift}) {
    if (!operand) continue;
    op.shape_is(*operand, last);
    op.require(operand->type == x.type || operand->type == ACL_FLOAT, "weight and bias are of input's type or f32");
  }
  if (scale && shift) op.same_type(*scale, *shift);
  const Operand y = op.output(out, "out", floating);
  op.same_shape(x, y);
  op.same_type(x, y);
  Shape statistics = x.shape;
  std::fill(statistics.end() - static_cast<std::ptrdiff_t>(last.size()), statistics.end(), 1);
  std::optional<Operand> means, inverses;
  if (mean != nullptr) op.shape_is(means.emplace(op.output(mean, "meanOut", floating)), statistics);
  if (rstd != nullptr) op.shape_is(inverses.emplace(op.output(rstd, "rstdOut", floating)), statistics);
  op.attribute(std::to_string(epsilon));
  op.workspace(32 << 10);
  const int64_t columns = product(last);
  op.run([=](const Work& work) {
    Floats values = floats(work[x]);
    const Floats scales = scale ? floats(work[*scale]) : Floats{};
    const Floats shifts = shift ? floats(work[*shift]) : Floats{};
    const int64_t rows = columns == 0 ? 0 : static_cast<int64_t>(values.size()) / columns;
    Floats row_means(static_cast<size_t>(rows)), row_inverses(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) {
      float* row = values.data() + r * columns;
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < columns; ++i) sum += static_cast<double>(row[i]);
      const double average = sum / static_cast<double>(columns);
      for (int64_t i = 0; i < columns; ++i) {
        const double difference = static_cast<double>(row[i]) - average;
        squares += difference * difference;
      }
      const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(columns) + epsilon);
      for (int64_t i = 0; i < columns; ++i) {
        const auto at = static_cast<size_t>(i);
        row[i] = static_cast<float>((static_cast<double>(row[i]) - average) * inverse);
        if (!scales.empty()) row[i] *= scales[at];
        if (!shifts.empty()) row[i] += shifts[at];
      }
      row_means[static_cast<size_t>(r)] = static_cast<float>(average);
      row_inverses[static_cast<size_t>(r)] = static_cast<float>(inverse);
    }
    store(work[y], values);
    if (means) store(work[*means], row_means);
    if (inverses) store(work[*inverses], row_inverses);
  });
}

// In place; the inverse root of every row.
Floats rms_norm(Floats& values, const Floats& gamma, double epsilon) {
  const size_t columns = gamma.size();
  Floats inverses;
  for (size_t first = 0; columns > 0 && first < values.size(); first += columns) {
    double squares = 0;
    for (size_t i = 0; i < columns; ++i)
      squares += static_cast<double>(values[first + i]) * static_cast<double>(values[first + i]);
    const auto inverse = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(columns) + epsilon));
    for (size_t i = 0; i < columns; ++i) values[first + i] *= inverse * gamma[i];
    inverses.push_back(inverse);
  }
  return inverses;
}

Operand gamma_of(Operation& op, const aclTensor* gamma, const Operand& x) {
  const Operand weight = op.input(gamma, "gamma", floating);
  op.require(weight.rank() >= 1 && weight.rank() <= x.rank() &&
                 std::equal(weight.shape.rbegin(), weight.shape.rend(), x.shape.rbegin()),
             "gamma " + to_string(weight.shape) + " is not the end of " + to_string(x.shape));
  return weight;
}

// x1 + x2, normalised. In the in-place form the outputs are the inputs.
void add_rms_norm(Operation& op, const Operand& a, const Operand& b, const aclTensor* gamma, double epsilon,
                  const Operand& y, const aclTensor* rstd, const Operand& sum) {
  const Operand weight = gamma_of(op, gamma, a);
  const Operand inverse = op.output(rstd, "rstdOut", types({ACL_FLOAT}));
  Shape rows = a.shape;
  std::fill(rows.end() - static_cast<std::ptrdiff_t>(weight.rank()), rows.end(), 1);
  op.shape_is(inverse, rows);
  for (const Operand* other : {&b, &y, &sum}) {
    op.same_shape(a, *other);
    op.same_type(a, *other);
  }
  op.same_type(a, weight);
  op.require(a.elements() > 0, "no empty tensors");
  op.attribute(std::to_string(epsilon));
  op.workspace(16 << 10);
  op.run([=](const Work& work) {
    Floats values = floats(work[a]);
    const Floats added = floats(work[b]);
    for (size_t i = 0; i < values.size(); ++i) values[i] += added[i];
    store(work[sum], values);
    const Floats inverses = rms_norm(values, floats(work[weight]), epsilon);
    store(work[y], values);
    store(work[inverse], inverses);
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnLayerNormGetWorkspaceSize(const aclTensor* input, const aclIntArray* normalizedShape,
                                           const aclTensor* weightOptional, const aclTensor* biasOptional, double eps,
                                           aclTensor* out, aclTensor* meanOutOptional, aclTensor* rstdOutOptional,
                                           uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnLayerNorm", workspaceSize, executor, [&](Operation& op) {
    layer_norm(op, input, normalizedShape, weightOptional, biasOptional, eps, out, meanOutOptional, rstdOutOptional);
  });
}
SECOND_CALL(aclnnLayerNorm)

aclnnStatus aclnnLayerNormWithImplModeGetWorkspaceSize(const aclTensor* input, const aclIntArray* normalizedShape,
                                                       const aclTensor* weightOptional, const aclTensor* biasOptional,
                                                       double eps, aclTensor* out, aclTensor* meanOutOptional,
                                                       aclTensor* rstdOutOptional, int32_t implMode,
                                                       uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnLayerNormWithImplMode", workspaceSize, executor, [&](Operation& op) {
    op.require(implMode >= 0 && implMode <= 2, "implMode is 0, 1 or 2");
    layer_norm(op, input, normalizedShape, weightOptional, biasOptional, eps, out, meanOutOptional, rstdOutOptional);
  });
}
SECOND_CALL(aclnnLayerNormWithImplMode)

aclnnStatus aclnnRmsNormGetWorkspaceSize(const aclTensor* x, const aclTensor* gamma, double epsilon,
                                         const aclTensor* yOut, const aclTensor* rstdOut, uint64_t* workspaceSize,
                                         aclOpExecutor** executor) {
  return first_call("aclnnRmsNorm", workspaceSize, executor, [&](Operation& op) {
    const Operand in = op.input(x, "x", floating);
    const Operand weight = gamma_of(op, gamma, in);
    op.require(weight.type == in.type || weight.type == ACL_FLOAT, "gamma is of x's type or f32");
    const Operand y = op.output(yOut, "yOut", floating);
    const Operand inverse = op.output(rstdOut, "rstdOut", types({ACL_FLOAT}));
    op.same_shape(in, y);
    op.same_type(in, y);
    op.shape_is(inverse, leading(in, in.shape.size() - weight.shape.size()));
    op.attribute(std::to_string(epsilon));
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      Floats values = floats(work[in]);
      const Floats inverses = rms_norm(values, floats(work[weight]), epsilon);
      store(work[y], values);
      store(work[inverse], inverses);
    });
  });
}
SECOND_CALL(aclnnRmsNorm)

aclnnStatus aclnnAddRmsNormGetWorkspaceSize(const aclTensor* x1, const aclTensor* x2, const aclTensor* gamma,
                                            double epsilon, const aclTensor* yOut, const aclTensor* rstdOut,
                                            const aclTensor* xOut, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnAddRmsNorm", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.input(x1, "x1", floating);
    const Operand b = op.input(x2, "x2", floating);
    const Operand y = op.output(yOut, "yOut", floating);
    add_rms_norm(op, a, b, gamma, epsilon, y, rstdOut, op.output(xOut, "xOut", floating));
  });
}
SECOND_CALL(aclnnAddRmsNorm)

// From 8.5: x1 becomes the norm, x2 the sum.
aclnnStatus aclnnInplaceAddRmsNormGetWorkspaceSize(aclTensor* x1Ref, aclTensor* x2Ref, const aclTensor* gamma,
                                                   double epsilon, const aclTensor* rstdOut, uint64_t* workspaceSize,
                                                   aclOpExecutor** executor) {
  return first_call("aclnnInplaceAddRmsNorm", workspaceSize, executor, [&](Operation& op) {
    const Operand a = op.output(x1Ref, "x1Ref", floating);
    const Operand b = op.output(x2Ref, "x2Ref", floating);
    add_rms_norm(op, a, b, gamma, epsilon, a, rstdOut, b);
  });
}
SECOND_CALL(aclnnInplaceAddRmsNorm)

}  // extern "C"
