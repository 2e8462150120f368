// Medians and other quantiles of a few values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace lectern {

// The value that `part` of `parts` of the values lie below, itself one of them; `none` where there are no values.
template <class Value>
Value quantile(std::vector<Value> values, size_t part, size_t parts, Value none = {}) {
  if (values.empty()) return none;
  const auto at = values.begin() + static_cast<ptrdiff_t>(values.size() * part / parts);
  std::ranges::nth_element(values, at);
  return *at;
}

// Of an even number of values the upper one of the middle two.
template <class Value>
Value median(std::vector<Value> values, Value none = {}) {
  return quantile(std::move(values), 1, 2, none);
}

}  // namespace lectern
