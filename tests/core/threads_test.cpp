#include "core/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
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

}  // namespace
}  // namespace lectern
