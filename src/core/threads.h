// Thread pool for parallel regions.
//
// A step of the decoder is some hundred parallel regions of 50 microseconds. Workers spin for a moment before they
// sleep, and a region ends when its work is done, not when every worker has taken part, so that one that the system has
// preempted delays nobody. OpenMP, whose regions wait for all threads, is left to oneDNN in `bench`.
#pragma once

#include <cstdint>

namespace lectern {

// The processors this process may use: its affinity mask, bounded by the control group's quota.
int available_threads();

// Threads for every later parallel region; 0 or less takes available_threads(). Waits for a region that
// another thread runs; not within a region.
void set_threads(int count);
int threads();

namespace pool {
using Body = void (*)(const void* context, int64_t i);
void run(int64_t count, Body body, const void* context);
}  // namespace pool

// Calls body(i) for i in 0 .. count - 1, on all threads, in no particular order. After an exception the remaining calls
// are skipped, and the first one is rethrown here when all threads are done. Within a body, and while another thread's
// region runs, all calls happen on this thread.
template <typename Body>
void parallel_for(int64_t count, const Body& body) {
  pool::run(
      count, [](const void* context, int64_t i) { (*static_cast<const Body*>(context))(i); }, &body);
}

// Calls body(first, last) on contiguous shares of 0 .. count - 1, one a thread, of at least `least` items.
template <typename Body>
void parallel_shares(int64_t count, int64_t least, const Body& body) {
  const int64_t shares = count <= least ? 1 : (count / least < threads() ? count / least : threads());
  parallel_for(shares, [&](int64_t i) { body(count * i / shares, count * (i + 1) / shares); });
}

}  // namespace lectern
