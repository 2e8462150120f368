// Pool of readers, each on its own thread, fed from one queue: a reader with room takes the next page, idle readers
// first. A failed reader is removed, and its pages go back to the queue for the others. A page for which
// a reader has no memory, even alone, is left to the others; it fails when none of them has it either.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "reading/reading_pool.h"

namespace lectern {

struct PageWorker {
  std::string device;
  std::function<std::unique_ptr<PageReader>()> make;  // on the worker's thread
};

class PageWorkers final : public ReadingPool {
 public:
  // `tell` is called on the workers' threads and, for pages that no worker is left for, by add. It puts the event where
  // somebody else takes it: it must not throw, nor call back. The stop is asked for here, too, when no worker could be
  // made, or something unforeseen was thrown.
  PageWorkers(const std::vector<PageWorker>& workers, std::stop_source stop, std::function<void(WorkerEvent)> tell);
  PageWorkers(const PageWorkers&) = delete;
  PageWorkers& operator=(const PageWorkers&) = delete;
  ~PageWorkers() override;  // stops

  void wait_for_room(size_t max_waiting) override;
  void add(PageTask task) override;
  // Ends a page soon, with what was read so far; one that is not on its way is ignored.
  void cancel(size_t ticket);
  void close() override;
  std::string dead() const override;

  // Pages that one worker had in hand together, at most so far.
  int max_together() const;
  // Of all workers, as of their last steps.
  ReaderLoad load() const;

  std::vector<WorkerReport> join() override;

 private:
  struct Worker;
  void stop_all();
  void start(Worker& worker);
  void work(Worker& worker);
  std::optional<PageTask> take(Worker& worker, const PageReader& reader);
  void cancel_stopped(Worker& worker, PageReader& reader);
  void hand_on(Worker& worker, std::vector<PageEvent> events);
  void page_failed(Worker& worker, size_t ticket, const std::exception_ptr& error);
  void advance(Worker& worker, PageReader& reader, const std::optional<PageTask>& task);
  void no_memory_for(Worker& worker, size_t ticket, const std::string& message);
  void step_failed(Worker& worker, PageReader& reader, const std::string& message, ErrorCode code);
  // `innocent`: a page that the worker did not fail of.
  void retire(Worker& worker, const std::string& failure, ErrorCode code, std::optional<size_t> innocent = {});
  // With the lock held.
  void queue(PageTask task);
  bool is_too_large_for_all(const PageTask& task) const;
  void fail_page(PageTask task, const std::string& message, ErrorCode code);
  void fail_too_large(PageTask task);
  void put_back(Worker& worker, bool alone);
  void finish(PageTask task);
  void give_up(PageTask task);

  const std::function<void(WorkerEvent)> tell_;
  const int threads_;  // of a parallel region
  std::stop_source stop_;

  mutable std::mutex mutex_;  // of all below
  std::condition_variable_any work_, room_;
  std::deque<PageTask> queue_;  // by ticket
  size_t outstanding_ = 0;      // pages queued and in flight
  bool closed_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  size_t alive_;
  size_t max_together_ = 0;
  size_t idle_ = 0;           // workers that wait for a page
  std::string last_failure_;  // of a worker
  ErrorCode last_code_ = ErrorCode::device_lost;
  std::exception_ptr unforeseen_;
};

}  // namespace lectern
