// Softmax and its logarithm, the largest elements, running sums: section 3.7.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "aclnnop/aclnn_argmax.h"
#include "aclnnop/aclnn_cumsum.h"
#include "aclnnop/aclnn_logsoftmax.h"
#include "aclnnop/aclnn_softmax.h"
#include "aclnnop/aclnn_topk.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

// Calls body(line, first place, distance between places) for every line along an axis.
template <typename Body>
void for_each_line(const Split& split, const Body& body) {
  for (int64_t outer = 0; outer < split.outer; ++outer) {
    for (int64_t inner = 0; inner < split.inner; ++inner) {
      body(outer * split.inner + inner, outer * split.extent * split.inner + inner, split.inner);
    }
  }
}

// The order of a line's elements, best first; of equal ones the first. NaN counts as the largest number.
template <typename Value>
std::vector<int64_t> ranked(const std::vector<Value>& values, int64_t start, int64_t step, int64_t count,
                            bool largest) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](int64_t i) { return values[static_cast<size_t>(start + i * step)]; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const Value x = at(a), y = at(b);
    if constexpr (std::is_floating_point_v<Value>) {
      if (std::isnan(x) || std::isnan(y))
        return largest ? std::isnan(x) && !std::isnan(y) : !std::isnan(x) && std::isnan(y);
    }
    return largest ? x > y : x < y;
  });
  return order;
}

// out = value(x, the line's largest, the sum of its exp(x - largest)) for all x of every line. The result has self's
// type before it takes out's.
template <typename Value>
void along_lines(Operation& op, const aclTensor* self, int64_t dim, aclTensor* out, const Value& value) {
  const Operand x = op.input(self, "self", floating);
  const Operand y = op.output(out, "out", floating);
  op.same_shape(x, y);
  const int64_t axis = op.axis(dim, x.rank());
  op.attribute(axis);
  op.workspace(16 << 10);
  op.run([=](const Work& work) {
    Floats values = floats(work[x]);
    const Split split = split_at(x.shape, axis);
    for_each_line(split, [&](int64_t, int64_t start, int64_t step) {
      const auto at = [&](int64_t i) -> float& { return values[static_cast<size_t>(start + i * step)]; };
      float largest = -INFINITY;
      for (int64_t i = 0; i < split.extent; ++i) largest = std::isnan(at(i)) ? at(i) : std::max(largest, at(i));
      double sum = 0;
      for (int64_t i = 0; i < split.extent; ++i) sum += std::exp(static_cast<double>(at(i)) - largest);
      for (int64_t i = 0; i < split.extent; ++i)
        at(i) = rounded_to(x.type, static_cast<float>(value(at(i), largest, sum)));
    });
    store(work[y], values);
  });
}

void running_sum(Operation& op, const Operand& x, int64_t dim, const Operand& y, bool exclusive, bool reverse) {
  op.same_shape(x, y);
  const int64_t axis = op.axis(dim, x.rank());
  op.attribute(axis);
  op.workspace(16 << 10);
  op.run([=](const Work& work) {
    const auto sum = [&](auto values) {
      const Split split = split_at(x.shape, axis);
      for_each_line(split, [&](int64_t, int64_t start, int64_t step) {
        std::remove_cvref_t<decltype(values[0])> total = 0;
        for (int64_t i = 0; i < split.extent; ++i) {
          auto& value = values[static_cast<size_t>(start + (reverse ? split.extent - 1 - i : i) * step)];
          const auto own = value;
          value = exclusive ? total : total + own;
          total += own;
        }
      });
      store(work[y], values);
    };
    if (is_floating(y.type))
      sum(floats(work[x]));
    else
      sum(integers(work[x]));
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnSoftmaxGetWorkspaceSize(const aclTensor* self, int64_t dim, aclTensor* out, uint64_t* workspaceSize,
                                         aclOpExecutor** executor) {
  return first_call("aclnnSoftmax", workspaceSize, executor, [&](Operation& op) {
    along_lines(op, self, dim, out,
                [](float x, float largest, double sum) { return std::exp(static_cast<double>(x) - largest) / sum; });
  });
}
SECOND_CALL(aclnnSoftmax)

aclnnStatus aclnnLogSoftmaxGetWorkspaceSize(const aclTensor* self, int64_t dim, aclTensor* out, uint64_t* workspaceSize,
                                            aclOpExecutor** executor) {
  return first_call("aclnnLogSoftmax", workspaceSize, executor, [&](Operation& op) {
    along_lines(op, self, dim, out,
                [](float x, float largest, double sum) { return static_cast<double>(x) - largest - std::log(sum); });
  });
}
SECOND_CALL(aclnnLogSoftmax)

aclnnStatus aclnnTopkGetWorkspaceSize(const aclTensor* self, int64_t k, int64_t dim, bool largest, bool sorted,
                                      aclTensor* valuesOut, aclTensor* indicesOut, uint64_t* workspaceSize,
                                      aclOpExecutor** executor) {
  return first_call("aclnnTopk", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral);
    const Operand values = op.output(valuesOut, "valuesOut", floating | integral);
    const Operand indices = op.output(indicesOut, "indicesOut", types({ACL_INT64}));
    op.require(sorted, "sorted must be true");
    const int64_t axis = op.axis(dim, x.rank());
    Shape shape = x.shape;
    op.require(k >= 0 && k <= shape[static_cast<size_t>(axis)], "k is out of range");
    shape[static_cast<size_t>(axis)] = k;
    op.shape_is(values, shape);
    op.shape_is(indices, shape);
    op.same_type(x, values);
    for (const int64_t value : {k, axis}) op.attribute(value);
    op.workspace(64 << 10);
    op.run([=](const Work& work) {
      const auto choose = [&](const auto& in) {
        const Split split = split_at(x.shape, axis);
        std::remove_cvref_t<decltype(in)> best(static_cast<size_t>(values.elements()));
        Integers places(best.size());
        for_each_line(split, [&](int64_t line, int64_t start, int64_t step) {
          const std::vector<int64_t> order = ranked(in, start, step, split.extent, largest);
          const int64_t first = line / split.inner * k * split.inner + line % split.inner;
          for (int64_t i = 0; i < k; ++i) {
            const auto to = static_cast<size_t>(first + i * split.inner);
            best[to] = in[static_cast<size_t>(start + order[static_cast<size_t>(i)] * step)];
            places[to] = order[static_cast<size_t>(i)];
          }
        });
        store(work[values], best);
        store(work[indices], places);
      };
      if (is_floating(x.type))
        choose(floats(work[x]));
      else
        choose(integers(work[x]));
    });
  });
}
SECOND_CALL(aclnnTopk)

aclnnStatus aclnnArgMaxGetWorkspaceSize(const aclTensor* self, int64_t dim, bool keepdim, aclTensor* out,
                                        uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnArgMax", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | types({ACL_INT32, ACL_INT64}));
    const Operand y = op.output(out, "out", index_types);
    const int64_t axis = op.axis(dim, x.rank());
    Shape shape = x.shape;
    op.require(shape[static_cast<size_t>(axis)] > 0, "nothing to choose from");
    if (keepdim)
      shape[static_cast<size_t>(axis)] = 1;
    else
      shape.erase(shape.begin() + axis);
    op.shape_is(y, shape);
    op.attribute(axis);
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      const auto choose = [&](const auto& in) {
        const Split split = split_at(x.shape, axis);
        Integers places(static_cast<size_t>(y.elements()));
        for_each_line(split, [&](int64_t line, int64_t start, int64_t step) {
          int64_t best = 0;
          for (int64_t i = 1; i < split.extent; ++i) {
            const auto value = in[static_cast<size_t>(start + i * step)],
                       known = in[static_cast<size_t>(start + best * step)];
            if (value > known || (value != value && known == known)) best = i;  // a NaN is the largest
          }
          places[static_cast<size_t>(line)] = best;
        });
        store(work[y], places);
      };
      if (is_floating(x.type))
        choose(floats(work[x]));
      else
        choose(integers(work[x]));
    });
  });
}
SECOND_CALL(aclnnArgMax)

aclnnStatus aclnnCumsumGetWorkspaceSize(const aclTensor* self, int64_t dim, aclDataType dtype, aclTensor* out,
                                        uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnCumsum", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral);
    const Operand y = op.output(out, "out", floating | integral);
    op.require(y.type == dtype, "dtype is not out's type");
    running_sum(op, x, dim, y, false, false);
  });
}
SECOND_CALL(aclnnCumsum)

aclnnStatus aclnnCumsumV2GetWorkspaceSize(const aclTensor* self, int64_t dim, bool exclusive, bool reverse,
                                          aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnCumsumV2", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating | integral);
    const Operand y = op.output(out, "out", floating | integral);
    op.same_type(x, y);
    op.attribute((exclusive ? 2 : 0) + (reverse ? 1 : 0));
    running_sum(op, x, dim, y, exclusive, reverse);
  });
}
SECOND_CALL(aclnnCumsumV2)

}  // extern "C"
