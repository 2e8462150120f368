// Comparison of results bit by bit, and runs with several numbers of threads.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "core/threads.h"

namespace lectern::testing {

// How many of the floats differ in a bit.
inline int64_t different_bits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return -1;
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]) ? 1 : 0;
  return count;
}

inline std::span<const float> row_of(const std::vector<float>& values, int64_t row, int64_t width) {
  return std::span(values).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
}

// Sets the number of threads while it lives.
class WithThreads {
 public:
  explicit WithThreads(int count) : before_(threads()) { set_threads(count); }
  ~WithThreads() { set_threads(before_); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;

 private:
  int before_;
};

}  // namespace lectern::testing
