#include "core/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace lectern {
namespace {

struct DefaultThreads {
  ~DefaultThreads() { set_threads(0); }
};

TEST(Threads, AtLeastOneIsAvailable) {
  const DefaultThreads afterwards;
  EXPECT_GE(available_threads(), 1);
  set_threads(3);
  EXPECT_EQ(threads(), 3);
  for (const int count : {0, -7}) {
    set_threads(count);
    EXPECT_EQ(threads(), available_threads());
  }
}

TEST(Threads, ParallelForCallsEachOnce) {
  const DefaultThreads afterwards;
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    for (const int64_t items : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(items));
      parallel_for(items, [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
      EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; })) << items;
    }
  }
}

TEST(Threads, SharesCoverEverythingOnce) {
  const DefaultThreads afterwards;
  for (const int count : {1, 2, 3, 5}) {
    set_threads(count);
    for (const int64_t items : {0, 1, 2, 3, 4, 5, 10, 31, 100, 1001}) {
      for (const int64_t least : {1, 2, 8, 100, 5000}) {
        std::mutex mutex;
        std::vector<std::pair<int64_t, int64_t>> shares;
        parallel_shares(items, least, [&](int64_t first, int64_t last) {
          const std::lock_guard lock(mutex);
          if (first != last) shares.emplace_back(first, last);
        });
        std::sort(shares.begin(), shares.end());
        EXPECT_LE(shares.size(), static_cast<size_t>(count));
        int64_t end = 0;
        for (const auto& [first, last] : shares) {
          EXPECT_EQ(first, end);
          EXPECT_TRUE(shares.size() == 1 || last - first >= least) << items << " by " << least;
          end = last;
        }
        EXPECT_EQ(end, items);
      }
    }
  }
}

TEST(Threads, WhatABodyThrowsReachesTheCaller) {
  const DefaultThreads afterwards;
  for (const int count : {1, 3}) {
    set_threads(count);
    for (const int64_t items : {1, 2, 100}) {
      std::atomic<int> calls = 0;
      const auto body = [&](int64_t i) {
        ++calls;
        if (i >= items / 2) throw std::bad_alloc();
      };
      EXPECT_THROW(parallel_for(items, body), std::bad_alloc);
      EXPECT_GE(calls, 1);
      calls = 0;
      parallel_for(items, [&](int64_t) { ++calls; });  // the next region knows nothing of it
      EXPECT_EQ(calls, items);
    }
  }
}

// Several threads ask for the same number, and for others, while regions run.
TEST(Threads, AnyThreadMaySetTheNumber) {
  const DefaultThreads afterwards;
  std::vector<std::thread> callers;
  std::atomic<int64_t> total = 0;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&total, caller] {
      for (int round = 0; round < 20; ++round) {
        set_threads(1 + (caller + round) % 3);
        parallel_for(50, [&](int64_t) { ++total; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 20 * 50);
}

}  // namespace
}  // namespace lectern
