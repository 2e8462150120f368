#include "reading/page_workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "core/clock.h"
#include "core/threads.h"
#include "device/device_failure.h"

namespace lectern {
namespace {

constexpr int most_attempts = 3;  // a page that this many readers failed with may be what they failed of
constexpr const char* no_memory = "not enough memory; close other programs, or use a smaller --mode or --batch";

}  // namespace

struct PageWorkers::Worker {
  PageWorker source;
  WorkerReport report;
  std::map<size_t, PageTask> tasks;  // in flight, by ticket
  bool made = false;
  bool alive = true;
  std::thread thread;
};

PageWorkers::PageWorkers(const std::vector<PageWorker>& workers, std::stop_source stop, WorkerEvents events)
    : events_(std::move(events)), threads_(threads()), stop_(std::move(stop)), alive_(workers.size()) {
  for (const PageWorker& source : workers) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->source = source;
    workers_.back()->report.device = source.device;
  }
  try {
    for (const auto& worker : workers_) worker->thread = std::thread([this, &worker = *worker] { start(worker); });
  } catch (...) {  // too many threads
    stop_all();
    throw;
  }
}

PageWorkers::~PageWorkers() { stop_all(); }

void PageWorkers::stop_all() {
  stop_.request_stop();
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void PageWorkers::wait_for_room(size_t most) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, stop_.get_token(), [&] { return queue_.size() < most; });
}

void PageWorkers::add(PageTask task) {
  const std::lock_guard lock(mutex_);
  ++outstanding_;
  if (alive_ == 0) return give_up(std::move(task));
  queue_.push_back(std::move(task));
  work_.notify_all();
}

void PageWorkers::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  work_.notify_all();
}

std::string PageWorkers::dead() const {
  const std::lock_guard lock(mutex_);
  return alive_ == 0 ? last_failure_ : "";
}

std::vector<WorkerReport> PageWorkers::join() {
  std::vector<WorkerReport> reports;
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
    reports.push_back(worker->report);
  }
  if (unforeseen_) std::rethrow_exception(unforeseen_);
  if (alive_ == 0 && std::ranges::none_of(workers_, [](const auto& worker) { return worker->made; })) {
    throw Error(last_failure_);
  }
  return reports;
}

bool PageWorkers::has_others() const {
  const std::lock_guard lock(mutex_);
  return alive_ > 1;
}

void PageWorkers::finish(PageTask task) {
  --outstanding_;
  events_.finished(std::move(task));
  work_.notify_all();
}

void PageWorkers::give_up(PageTask task) {
  task.page.error = fmt::format("{}: not read: {}", task.name, last_failure_);
  task.page.finish = "failed";
  finish(std::move(task));
}

void PageWorkers::put_back(Worker& worker, bool alone) {
  for (auto& [ticket, task] : worker.tasks) {
    task.alone = alone;
    const auto later = [at = ticket](const PageTask& waiting) { return waiting.ticket > at; };
    queue_.insert(std::ranges::find_if(queue_, later), std::move(task));
  }
  worker.tasks.clear();
  work_.notify_all();
}

void PageWorkers::retire(Worker& worker, const std::string& failure) {
  const std::lock_guard lock(mutex_);
  worker.alive = false;
  worker.report.failure = failure;
  --alive_;
  last_failure_ = fmt::format("{} failed: {}", worker.report.device, failure);
  events_.lost(worker.report.device, failure);
  for (auto& [ticket, task] : worker.tasks) ++task.attempts;
  put_back(worker, false);
  std::erase_if(queue_, [&](PageTask& task) {
    const bool hopeless = alive_ == 0 || task.attempts >= most_attempts;
    if (hopeless) give_up(std::move(task));
    return hopeless;
  });
  room_.notify_all();
  if (alive_ == 0 && std::ranges::none_of(workers_, [](const auto& other) { return other->made; })) {
    stop_.request_stop();
  }
}

void PageWorkers::step_failed(Worker& worker, PageReader& reader, const std::string& message) {
  reader.clear();
  const std::lock_guard lock(mutex_);
  if (worker.tasks.size() != 1) return put_back(worker, true);
  PageTask task = std::move(worker.tasks.begin()->second);
  worker.tasks.clear();
  task.page.error = fmt::format("{}: {}", task.name, message);
  task.page.finish = "failed";
  finish(std::move(task));
}

std::optional<PageTask> PageWorkers::take(Worker& worker, const PageReader& reader) {
  std::unique_lock lock(mutex_);
  if (worker.tasks.empty()) {
    ++idle_;
    work_.wait(lock, stop_.get_token(), [&] { return !queue_.empty() || (closed_ && outstanding_ == 0); });
    --idle_;
  }
  if (stop_.stop_requested() || queue_.empty()) return std::nullopt;
  auto next = queue_.begin();
  if (!worker.tasks.empty()) {
    if (queue_.size() <= idle_ || worker.tasks.begin()->second.alone || reader.room() <= 0) return std::nullopt;
    next = std::ranges::find_if(queue_, [](const PageTask& task) { return !task.alone; });
    if (next == queue_.end()) return std::nullopt;
  }
  PageTask task = std::move(*next);
  queue_.erase(next);
  worker.tasks.emplace(task.ticket, task);
  room_.notify_all();
  return task;
}

PageJob PageWorkers::job_for(Worker& worker, const PageTask& task) {
  PageJob job;
  job.picture = task.picture;
  job.page = task.page;
  job.stop = stop_.get_token();
  // Its task lives in the map for as long as the reader may call.
  const PageTask& mine = worker.tasks.at(task.ticket);
  if (events_.text) {
    job.text = [this, &mine](size_t keep, std::string_view more) { events_.text(mine, keep, more); };
  }
  if (events_.progress) job.progress = [this, &mine](const Progress& progress) { events_.progress(mine, progress); };
  job.done = [this, &worker, ticket = task.ticket](DocumentPage page) {
    const std::lock_guard lock(mutex_);
    auto found = worker.tasks.extract(ticket);
    if (found.empty()) return;
    ++worker.report.pages;
    found.mapped().page = std::move(page);
    finish(std::move(found.mapped()));
  };
  return job;
}

void PageWorkers::advance(Worker& worker, PageReader& reader, const std::optional<PageTask>& task) {
  const auto failed = [&](const std::string& message) {
    if (!task) return step_failed(worker, reader, message);
    const std::lock_guard lock(mutex_);
    auto found = worker.tasks.extract(task->ticket);
    if (found.empty()) return;
    found.mapped().page.error = fmt::format("{}: {}", task->name, message);
    found.mapped().page.finish = "failed";
    finish(std::move(found.mapped()));
  };
  try {
    if (task) {
      reader.add(job_for(worker, *task));
    } else {
      reader.step();
    }
  } catch (const DeviceFailure& failure) {
    retire(worker, failure.what());
  } catch (const std::bad_alloc&) {
    // Another device may have the memory that this one lacks.
    if (has_others()) {
      retire(worker, "not enough memory");
    } else {
      failed(no_memory);
    }
  } catch (const std::exception& error) {
    failed(error.what());
  }
}

void PageWorkers::start(Worker& worker) {
  try {
    work(worker);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    unforeseen_ = std::current_exception();
    stop_.request_stop();
  }
}

void PageWorkers::work(Worker& worker) {
  set_threads(threads_);
  std::unique_ptr<PageReader> reader;
  try {
    reader = worker.source.make();
    const std::lock_guard lock(mutex_);
    worker.made = true;
  } catch (const std::bad_alloc&) {
    return retire(worker, "not enough memory for the model");
  } catch (const std::exception& error) {
    return retire(worker, error.what());
  }
  while (worker.alive) {
    const std::optional<PageTask> task = take(worker, *reader);
    if (!task && worker.tasks.empty()) return;
    const Clock working;
    advance(worker, *reader, task);
    worker.report.seconds += working.seconds();
  }
}

}  // namespace lectern
