// The one pool of worker threads: OpenMP's, which oneDNN uses as well.
#pragma once

#include <omp.h>

#include <cstdint>

namespace lectern {

// The processors this process may use: its affinity mask, bounded by the control group's quota.
int available_threads();

// Threads for every later parallel region; 0 or less takes available_threads().
void set_threads(int count);
inline int threads() { return omp_get_max_threads(); }

// Calls body(i) for i in 0 .. count - 1, on all threads, in no particular order. body must not throw.
template <typename Body>
void parallel_for(int64_t count, const Body& body) {
  if (count == 1 || threads() == 1) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < count; ++i) body(i);
}

// Calls body(first, last) on contiguous shares of 0 .. count - 1, one a thread, `least` items at the least.
template <typename Body>
void parallel_shares(int64_t count, int64_t least, const Body& body) {
  const int64_t shares = count <= least ? 1 : (count / least < threads() ? count / least : threads());
  parallel_for(shares, [&](int64_t i) { body(count * i / shares, count * (i + 1) / shares); });
}

}  // namespace lectern
