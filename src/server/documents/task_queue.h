// Queue of work that the HTTP thread must not wait for, done in order on a few threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lectern::server {

class TaskQueue {
 public:
  explicit TaskQueue(int threads);
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  ~TaskQueue();  // drops waiting tasks, and waits for those that run

  // The task must not throw.
  void run(std::function<void()> task);

 private:
  void work();

  std::mutex mutex_;  // of the following
  std::condition_variable news_;
  std::deque<std::function<void()>> tasks_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lectern::server
