#include "fake_cann/operators/attention.h"

#include <cmath>
#include <limits>

namespace fake_cann {
namespace {

constexpr int64_t block = 128;  // queries at a time

// Scores of one query to weights, in place; the sum of exponentials.
float softmax(float* row, int64_t count, float largest) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    row[i] = std::exp(row[i] - largest);
    sum += static_cast<double>(row[i]);
  }
  const auto inverse = static_cast<float>(1.0 / sum);
  for (int64_t i = 0; i < count; ++i) row[i] *= inverse;
  return static_cast<float>(sum);
}

}  // namespace

void attend(const Head& head, const HeadRules& rules, float* out, float* maxima, float* sums) {
  Floats scores(static_cast<size_t>(block * head.keys)), bias(rules.bias ? static_cast<size_t>(head.keys) : 0);
  for (int64_t first = 0; first < head.queries; first += block) {
    const int64_t rows = std::min(block, head.queries - first);
    multiply(rows, head.keys, head.size, head.q.data() + first * head.size, head.k.data(), true, 0, scores.data());
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t query = first + r;
      float* row = scores.data() + r * head.keys;
      if (rules.bias) rules.bias(query, bias.data());
      float largest = -std::numeric_limits<float>::infinity();
      for (int64_t key = 0; key < head.keys; ++key) {
        if (rules.bias && rules.bias_before_scale) row[key] += bias[static_cast<size_t>(key)];
        row[key] *= rules.scale;
        if (rules.bias && !rules.bias_before_scale) row[key] += bias[static_cast<size_t>(key)];
        // An infinite bias has been seen to give NaN on the device.
        if (std::isinf(row[key])) row[key] = std::nanf("");
        if (rules.excluded && rules.excluded(query, key)) row[key] = -std::numeric_limits<float>::infinity();
        largest = std::isnan(row[key]) ? row[key] : std::max(largest, row[key]);
      }
      const bool nothing = head.keys == 0 || (std::isinf(largest) && largest < 0);
      if (nothing && (head.keys == 0 || rules.zero_masked_rows)) {
        std::fill_n(row, head.keys, 0.0f);
        if (sums != nullptr) sums[query] = 0;
      } else {
        const float sum = softmax(row, head.keys, largest);
        if (sums != nullptr) sums[query] = sum;
      }
      if (maxima != nullptr) maxima[query] = largest;
    }
    multiply(rows, head.value_size, head.keys, scores.data(), head.v.data(), false, 0, out + first * head.value_size);
  }
}

Tensor by_heads(const Tensor& tensor, const std::string& layout, int64_t heads) {
  if (layout == "BNSD" || layout == "BNSD_BSND") return tensor;
  if (layout == "BSND") return permuted(tensor, {0, 2, 1, 3});
  // BSH and SBH: the last extent holds the heads.
  const bool batch_first = layout == "BSH";
  Tensor view = tensor;
  const int64_t size = heads == 0 ? 0 : tensor.shape[2] / heads;
  view.shape = {tensor.shape[batch_first ? 0 : 1], heads, tensor.shape[batch_first ? 1 : 0], size};
  view.strides = {tensor.strides[batch_first ? 0 : 1], size * tensor.strides[2], tensor.strides[batch_first ? 1 : 0],
                  tensor.strides[2]};
  return view;
}

Tensor by_heads(const Operation& op, const Operand& tensor, const std::string& layout, int64_t heads) {
  const bool joined = layout == "BSH" || layout == "SBH";
  op.require(tensor.rank() == (joined ? 3 : 4), "layout " + layout + " does not fit " + to_string(tensor.shape));
  op.require(heads > 0 && (!joined || tensor.shape[2] % heads == 0),
             "the heads do not divide " + to_string(tensor.shape));
  const Tensor view = by_heads(static_cast<const Tensor&>(tensor), layout, heads);
  op.require(view.shape[1] == heads, to_string(tensor.shape) + " does not hold " + std::to_string(heads) + " heads");
  return view;
}

Floats head_of(const Tensor& tensor, int64_t batch, int64_t head, int64_t length) {
  return floats(narrowed(narrowed(narrowed(tensor, 0, batch, 1), 1, head, 1), 2, 0, length));
}

}  // namespace fake_cann
