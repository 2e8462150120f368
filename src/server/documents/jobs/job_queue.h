// Queue of jobs, and the threads that run a few of them at a time, next that of the client with the fewest running. The
// store keeps the jobs; the queue has their ids.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "server/documents/jobs/document_run.h"

namespace lectern::server {

// A try to run a job.
struct JobTry {
  std::string id;
  int model_failures = 0;  // tries in a row before this one whose model could not be loaded
  std::stop_token stop, hold;
};

class JobQueue {
 public:
  using Run = std::function<RunEnd(const JobTry& job)>;

  // `run` is called on the queue's threads and must not throw. A job is tried again after `pause` if the disk was full;
  // if its model could not be loaded, after twice as long each time, up to 64 times as long.
  JobQueue(int threads, std::chrono::milliseconds pause, Run run);
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;
  ~JobQueue();  // stops running jobs, and waits for them

  void add(const std::string& id, const std::string& client);
  // Removes a waiting job; stops a running one.
  void cancel(const std::string& id);
  size_t waiting() const;
  // Begins no more jobs; waits until `until` for the pages that are being read.
  void drain(std::chrono::steady_clock::time_point until);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::string id, client;
    Instant not_before;
    int model_failures = 0;
  };
  struct Running {
    std::string client;
    std::stop_source stop;
    bool cancelled = false;
  };

  void work();
  std::list<Waiting>::iterator next(Instant now, Instant& later);

  const std::chrono::milliseconds pause_;
  const Run run_;
  std::stop_source hold_;
  mutable std::mutex mutex_;  // of the following
  std::condition_variable news_;
  std::list<Waiting> waiting_;
  std::map<std::string, Running> running_;  // by id
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lectern::server
