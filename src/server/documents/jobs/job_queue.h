// Jobs that wait to be read, and the threads that read them, a few at a time: those of one client one behind the other
// where others wait too. The store keeps the jobs; here are their ids.
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

// One of the times that a job is run.
struct JobTry {
  std::string id;
  int model_failures = 0;  // before, one behind the other: its model could not be loaded
  std::stop_token stop, hold;
};

class JobQueue {
 public:
  using Run = std::function<RunEnd(const JobTry& job)>;

  // `run` is called on the queue's threads and must not throw. A job for which there was no room is tried again after
  // `pause`, one whose model could not be loaded after twice as long each time, up to 64 times as long.
  JobQueue(int threads, std::chrono::milliseconds pause, Run run);
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;
  ~JobQueue();  // stops what runs, and waits for it

  void add(const std::string& id, const std::string& client);
  // Forgets a job that waits; stops one that runs.
  void cancel(const std::string& id);
  size_t waiting() const;
  // Nothing begins any more. Pages that are read come to their end, unless `until` comes before.
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
