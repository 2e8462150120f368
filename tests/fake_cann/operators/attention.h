// The core of every attention operator: one head of one sequence at a time.
#pragma once

#include <functional>
#include <string>

#include "fake_cann/operators/values.h"

namespace fake_cann {

// Queries [queries, size], keys [keys, size] and values [keys, value_size] of one head, dense.
struct Head {
  int64_t queries = 0, keys = 0, size = 0, value_size = 0;
  Floats q, k, v;
};

struct HeadRules {
  float scale = 1;
  bool bias_before_scale = false;  // softmax(scale * (q k + bias)) instead of softmax(scale * q k + bias)
  bool zero_masked_rows = false;   // rows without any key give zeros, not NaN
  std::function<void(int64_t query, float* row)> bias;       // may be empty; fills a row of `keys`
  std::function<bool(int64_t query, int64_t key)> excluded;  // may be empty
};

// out [queries, value_size]; per query the largest score and the sum of exponentials, where asked for.
void attend(const Head& head, const HeadRules& rules, float* out, float* maxima = nullptr, float* sums = nullptr);

// A tensor in one of the documented layouts as [batch, heads, length, size].
Tensor by_heads(const Operation& op, const Operand& tensor, const std::string& layout, int64_t heads);
Tensor by_heads(const Tensor& tensor, const std::string& layout, int64_t heads);
// [length, size] of one head, its first `length` places.
Floats head_of(const Tensor& tensor, int64_t batch, int64_t head, int64_t length);

}  // namespace fake_cann
