#include "server/documents/jobs/job_queue.h"

#include <algorithm>
#include <utility>

namespace lectern::server {

JobQueue::JobQueue(int threads, std::chrono::milliseconds pause, Run run) : pause_(pause), run_(std::move(run)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

JobQueue::~JobQueue() {
  drain(std::chrono::steady_clock::now());
  for (std::thread& thread : threads_) thread.join();
}

void JobQueue::add(const std::string& id, const std::string& client) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({.id = id, .client = client, .not_before = Instant::min()});
  news_.notify_all();
}

void JobQueue::cancel(const std::string& id) {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const Waiting& job) { return job.id == id; });
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    found->second.cancelled = true;
    stop = found->second.stop;
  }
  stop.request_stop();
}

size_t JobQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void JobQueue::drain(Instant until) {
  hold_.request_stop();
  std::vector<std::stop_source> stops;
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    news_.notify_all();
    if (news_.wait_until(lock, until, [&] { return running_.empty(); })) return;
    for (auto& [id, job] : running_) stops.push_back(job.stop);
  }
  for (std::stop_source& stop : stops) stop.request_stop();
}

// The first job of the client with the fewest running jobs. `later`: when the next one may be taken that must still
// wait.
std::list<JobQueue::Waiting>::iterator JobQueue::next(Instant now, Instant& later) {
  auto best = waiting_.end();
  ptrdiff_t fewest = 0;
  for (auto place = waiting_.begin(); place != waiting_.end(); ++place) {
    if (place->not_before > now) {
      later = std::min(later, place->not_before);
      continue;
    }
    const auto of_client = [&](const auto& entry) { return entry.second.client == place->client; };
    const ptrdiff_t running = std::ranges::count_if(running_, of_client);
    if (best != waiting_.end() && running >= fewest) continue;
    best = place;
    fewest = running;
    if (running == 0) break;
  }
  return best;
}

void JobQueue::work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    Instant later = Instant::max();
    const auto place = next(std::chrono::steady_clock::now(), later);
    if (place == waiting_.end()) {
      // No wait until the end of all time, which some libraries take for the past.
      if (later == Instant::max()) {
        news_.wait(lock);
      } else {
        news_.wait_until(lock, later);
      }
      continue;
    }
    Waiting job = std::move(*place);
    waiting_.erase(place);
    Running& running = running_[job.id];
    running.client = job.client;
    const JobTry run = {job.id, job.model_failures, running.stop.get_token(), hold_.get_token()};
    lock.unlock();
    const RunEnd end = run_(run);
    lock.lock();
    const bool again = (end == RunEnd::no_room || end == RunEnd::no_model) && !running_.at(job.id).cancelled;
    running_.erase(job.id);
    if (again) {
      constexpr int max_doublings = 6;
      const int doublings = end == RunEnd::no_model ? std::min(job.model_failures, max_doublings) : 0;
      job.model_failures = end == RunEnd::no_model ? job.model_failures + 1 : 0;
      job.not_before = std::chrono::steady_clock::now() + pause_ * (1 << doublings);
      waiting_.push_back(std::move(job));
    }
    news_.notify_all();
  }
}

}  // namespace lectern::server
