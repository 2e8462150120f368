#include "core/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/system/control_groups.h"
#include "core/system/processors.h"

namespace lectern {
namespace {

// Processors' worth of time that the control groups grant, rounded up; 0 when they set no limit.
int control_group_quota() {
  const double processors = control_group_limits().processors.value_or(0);
  return processors > 0 ? std::max(1, static_cast<int>(std::min(processors, 1e6) + 0.999)) : 0;
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

thread_local bool in_region = false;

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { stop(); }

  void resize(int count) {
    const std::lock_guard lock(region_);
    if (count == size()) return;
    stop();
    stopping_ = false;
    for (int i = 1; i < count; ++i) workers_.emplace_back([this] { work(); });
    size_ = count;
  }
  int size() const { return size_; }

  // False when another thread's region runs. Throws what a body threw first, when every thread is done.
  bool run(int64_t count, pool::Body body, const void* context) {
    const std::unique_lock lock(region_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    // A worker takes the index that it has seen if it is still there. While the region changes, none is.
    const uint64_t generation = (claim_.load() >> index_bits) + 1;
    claim_.store(generation << index_bits | closed);
    body_.store(body);
    context_.store(context);
    count_.store(static_cast<uint64_t>(count));
    finished_.store(0);
    failed_.store(false);
    claim_.store(generation << index_bits);
    claim_changes_.fetch_add(1);
    if (sleeping_.load() > 0) claim_changes_.notify_all();
    in_region = true;
    take_all();
    in_region = false;
    for (int looks = 0; finished_.load(std::memory_order_acquire) != static_cast<uint64_t>(count); ++looks) {
      if (looks < 1000) {
        pause();
      } else {
        std::this_thread::yield();  // perhaps the one who works is waiting for this very processor
      }
    }
    if (failed_.load()) std::rethrow_exception(std::exchange(failure_, nullptr));
    return true;
  }

 private:
  static constexpr int index_bits = 40;
  static constexpr uint64_t closed = (uint64_t{1} << index_bits) - 1;
  static constexpr std::chrono::microseconds patience{200};

  // True when there was something to do.
  bool take_all() {
    bool any = false;
    for (;;) {
      uint64_t seen = claim_.load();
      const uint64_t index = seen & closed;
      const pool::Body body = body_.load();
      const void* const context = context_.load();
      if (index == closed || index >= count_.load()) return any;
      if (!claim_.compare_exchange_weak(seen, seen + 1)) continue;
      if (!failed_.load(std::memory_order_relaxed)) call(body, context, static_cast<int64_t>(index));
      finished_.fetch_add(1, std::memory_order_release);
      any = true;
    }
  }

  void call(pool::Body body, const void* context, int64_t index) {
    try {
      body(context, index);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
  }

  void work() {
    in_region = true;
    auto since = std::chrono::steady_clock::now();
    while (!stopping_.load()) {
      const uint32_t change = claim_changes_.load();
      if (take_all()) {
        since = std::chrono::steady_clock::now();
        continue;
      }
      for (int i = 0; i < 32 && claim_changes_.load(std::memory_order_relaxed) == change; ++i) pause();
      if (claim_changes_.load() != change || std::chrono::steady_clock::now() - since < patience) continue;
      sleeping_.fetch_add(1);
      if (!stopping_.load()) claim_changes_.wait(change);
      sleeping_.fetch_sub(1);
      since = std::chrono::steady_clock::now();
    }
  }

  void stop() {
    stopping_ = true;
    claim_changes_.fetch_add(1);
    claim_changes_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    size_ = 1;
  }

  std::mutex region_;
  std::vector<std::thread> workers_;
  std::atomic<int> size_{1};
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> claim_{closed};  // the region's number, and the next index of it
  std::atomic<pool::Body> body_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> finished_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  // written by who set failed_, read when the region has ended
  std::atomic<uint32_t> claim_changes_{0};
  std::atomic<int> sleeping_{0};
};

Pool& the_pool() {
  static Pool pool;
  static std::once_flag started;
  std::call_once(started, [] { pool.resize(available_threads()); });
  return pool;
}

}  // namespace

int available_threads() {
  const int count = std::max(1, static_cast<int>(allowed_processors().size()));
  const int quota = control_group_quota();
  return quota > 0 ? std::min(count, quota) : count;
}

void set_threads(int count) {
  const int wanted = count > 0 ? count : available_threads();
  the_pool().resize(wanted);
  omp_set_num_threads(wanted);
}

int threads() { return the_pool().size(); }

void pool::run(int64_t count, Body body, const void* context) {
  if (count > 1 && !in_region && threads() > 1 && the_pool().run(count, body, context)) return;
  for (int64_t i = 0; i < count; ++i) body(context, i);
}

}  // namespace lectern
