#include "server/documents/task_queue.h"

#include <utility>

namespace lectern::server {

TaskQueue::TaskQueue(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TaskQueue::~TaskQueue() {
  std::deque<std::function<void()>> forgotten;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    forgotten.swap(tasks_);
  }
  news_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskQueue::run(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    tasks_.push_back(std::move(task));
  }
  news_.notify_one();
}

void TaskQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, [&] { return closing_ || !tasks_.empty(); });
    if (closing_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace lectern::server
