#include "reading/page_workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/error_code.h"
#include "core/log.h"
#include "core/stopwatch.h"
#include "core/threads.h"
#include "device/device_failure.h"

namespace lectern {
namespace {

constexpr int max_attempts = 3;   // a page may be the reason if this many readers failed with it
constexpr int max_too_large = 3;  // a reader without memory for this many pages in a row is taken out
// Seconds after which pages that write get their turn before another page is begun, whose views take a while to make.
constexpr double max_adding = 0.1;
constexpr const char* no_memory = "not enough memory; close other programs, or use a smaller `mode` or `batch`";

bool is_too_large_for(const PageTask& task, size_t worker) {
  return std::ranges::find(task.too_large_for, worker) != task.too_large_for.end();
}

}  // namespace

struct PageWorkers::Worker {
  size_t index = 0;
  PageWorker source;
  WorkerReport report;
  std::map<size_t, PageTask> tasks;  // in flight, by ticket
  bool made = false;
  bool alive = true;
  int too_large = 0;  // pages in a row for which it had no memory
  double adding = 0;  // seconds that pages took to be added since the last step
  ReaderLoad load;
  std::thread thread;
};

PageWorkers::PageWorkers(const std::vector<PageWorker>& workers, std::stop_source stop,
                         std::function<void(WorkerEvent)> tell)
    : tell_(std::move(tell)), threads_(threads()), stop_(std::move(stop)), alive_(workers.size()) {
  for (const PageWorker& source : workers) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->index = workers_.size() - 1;
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

void PageWorkers::wait_for_room(size_t max_waiting) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, stop_.get_token(), [&] { return queue_.size() < max_waiting; });
}

void PageWorkers::add(PageTask task) {
  const std::lock_guard lock(mutex_);
  ++outstanding_;
  if (alive_ == 0) return give_up(std::move(task));
  queue_.push_back(std::move(task));
  work_.notify_all();
}

void PageWorkers::cancel(size_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto waiting = std::ranges::find(queue_, ticket, [](const PageTask& task) { return task.job.ticket; });
  if (waiting != queue_.end()) {
    PageTask task = std::move(*waiting);
    queue_.erase(waiting);
    task.cancelled = true;
    queue(std::move(task));
    room_.notify_all();
    return;
  }
  for (const auto& worker : workers_) {
    if (const auto found = worker->tasks.find(ticket); found != worker->tasks.end()) found->second.cancelled = true;
  }
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

int PageWorkers::max_together() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(max_together_);
}

ReaderLoad PageWorkers::load() const {
  ReaderLoad sum;
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    sum.pages += static_cast<int64_t>(worker->tasks.size());
    sum.preemptions += worker->load.preemptions;
    if (!worker->alive) continue;
    sum.sequences += worker->load.sequences;
    sum.cache_positions += worker->load.cache_positions;
    sum.cache_used += worker->load.cache_used;
  }
  return sum;
}

std::vector<WorkerReport> PageWorkers::join() {
  std::vector<WorkerReport> reports;
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
    reports.push_back(worker->report);
  }
  if (unforeseen_) std::rethrow_exception(unforeseen_);
  if (alive_ == 0 && std::ranges::none_of(workers_, [](const auto& worker) { return worker->made; })) {
    throw Error(last_failure_, last_code_);
  }
  return reports;
}

void PageWorkers::finish(PageTask task) {
  --outstanding_;
  WorkerEvent event;
  event.kind = WorkerEvent::Kind::finished;
  event.ticket = task.job.ticket;
  for (FurtherPage& further : task.job.further) {  // their fate is that of the first page
    if (!further.page.finish && !task.job.page.error.empty()) {
      fail(further.page, task.job.page.error, task.job.page.error_code);
    } else if (!further.page.finish) {
      further.page.finish = task.job.page.finish;
    }
  }
  event.further = std::move(task.job.further);
  event.page = std::move(task.job.page);
  event.picture = std::move(task.job.picture);
  tell_(std::move(event));
  work_.notify_all();
}

void PageWorkers::fail_page(PageTask task, const std::string& message, ErrorCode code) {
  fail(task.job.page, fmt::format("{}: {}", task.name, message), code);
  finish(std::move(task));
}

void PageWorkers::give_up(PageTask task) {
  fail_page(std::move(task), fmt::format("not read: {}", last_failure_), last_code_);
}

void PageWorkers::queue(PageTask task) {
  if (task.cancelled) {
    task.job.page.finish = Finish::stopped;
    return finish(std::move(task));
  }
  const auto later = [at = task.job.ticket](const PageTask& waiting) { return waiting.job.ticket > at; };
  queue_.insert(std::ranges::find_if(queue_, later), std::move(task));
  work_.notify_all();
}

bool PageWorkers::is_too_large_for_all(const PageTask& task) const {
  return !task.too_large_for.empty() && std::ranges::all_of(workers_, [&](const auto& worker) {
    return !worker->alive || is_too_large_for(task, worker->index);
  });
}

void PageWorkers::fail_too_large(PageTask task) {
  const std::string reason = task.too_large;
  fail_page(std::move(task), reason, ErrorCode::out_of_memory);
}

void PageWorkers::put_back(Worker& worker, bool alone) {
  for (auto& [ticket, task] : worker.tasks) {
    task.alone = alone;
    queue(std::move(task));
  }
  worker.tasks.clear();
}

void PageWorkers::retire(Worker& worker, const std::string& failure, ErrorCode code, std::optional<size_t> innocent) {
  log_info("device.lost",
           {{"device", worker.source.device}, {"failure", failure}, {"pages_back", worker.tasks.size()}});
  const std::lock_guard lock(mutex_);
  worker.alive = false;
  worker.report.failure = failure;
  --alive_;
  last_failure_ = fmt::format("{} failed: {}", worker.report.device, failure);
  last_code_ = code;
  tell_({.kind = WorkerEvent::Kind::lost, .device = worker.report.device, .failure = failure});
  for (auto& [ticket, task] : worker.tasks) task.attempts += ticket == innocent ? 0 : 1;
  put_back(worker, false);
  std::erase_if(queue_, [&](PageTask& task) {
    const bool too_large = alive_ > 0 && is_too_large_for_all(task);
    const bool hopeless = alive_ == 0 || task.attempts >= max_attempts;
    if (too_large) {
      fail_too_large(std::move(task));
    } else if (hopeless) {
      give_up(std::move(task));
    }
    return too_large || hopeless;
  });
  room_.notify_all();
  if (alive_ == 0 && std::ranges::none_of(workers_, [](const auto& other) { return other->made; })) {
    stop_.request_stop();
  }
}

void PageWorkers::step_failed(Worker& worker, PageReader& reader, const std::string& message, ErrorCode code) {
  reader.clear();
  log_debug("step.failed", {{"device", worker.source.device}, {"failure", message}, {"pages", worker.tasks.size()}});
  std::unique_lock lock(mutex_);
  if (worker.tasks.size() != 1) return put_back(worker, true);
  if (code == ErrorCode::out_of_memory) {
    const size_t ticket = worker.tasks.begin()->first;
    lock.unlock();
    return no_memory_for(worker, ticket, message);
  }
  PageTask task = std::move(worker.tasks.begin()->second);
  worker.tasks.clear();
  fail_page(std::move(task), message, code);
}

// The page is tried alone if it was not, else left to others.
void PageWorkers::no_memory_for(Worker& worker, size_t ticket, const std::string& message) {
  std::unique_lock lock(mutex_);
  auto found = worker.tasks.extract(ticket);
  if (found.empty()) return;
  PageTask& task = found.mapped();
  log_debug("page.no_memory", {{"device", worker.source.device}, {"failure", message}});
  if (!worker.tasks.empty()) {
    task.alone = true;
    return queue(std::move(task));
  }
  task.too_large_for.push_back(worker.index);
  task.too_large = message;
  is_too_large_for_all(task) ? fail_too_large(std::move(task)) : queue(std::move(task));
  const bool useless = ++worker.too_large >= max_too_large && alive_ > 1;
  lock.unlock();
  if (useless) retire(worker, message, ErrorCode::out_of_memory);
}

std::optional<PageTask> PageWorkers::take(Worker& worker, const PageReader& reader) {
  std::unique_lock lock(mutex_);
  const auto find_next = [&] {
    return std::ranges::find_if(queue_, [&](const PageTask& task) {
      return !is_too_large_for(task, worker.index) && (worker.tasks.empty() || !task.alone);
    });
  };
  if (worker.tasks.empty()) {
    ++idle_;
    work_.wait(lock, stop_.get_token(), [&] { return find_next() != queue_.end() || (closed_ && outstanding_ == 0); });
    --idle_;
  } else if (queue_.size() <= idle_ || worker.tasks.begin()->second.alone || worker.adding > max_adding ||
             reader.room() <= 0) {
    return std::nullopt;
  }
  if (stop_.stop_requested()) return std::nullopt;
  const auto next = find_next();
  if (next == queue_.end()) return std::nullopt;
  PageTask task = std::move(*next);
  queue_.erase(next);
  worker.tasks.emplace(task.job.ticket, task);
  max_together_ = std::max(max_together_, worker.tasks.size());
  room_.notify_all();
  return task;
}

void PageWorkers::cancel_stopped(Worker& worker, PageReader& reader) {
  const bool all = stop_.stop_requested();
  const std::lock_guard lock(mutex_);
  for (auto& [ticket, task] : worker.tasks) {
    if (all || task.cancelled) reader.cancel(ticket);
  }
}

void PageWorkers::page_failed(Worker& worker, size_t ticket, const std::exception_ptr& error) {
  std::string message;
  ErrorCode code = ErrorCode::out_of_memory;
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    message = no_memory;
  } catch (const std::exception& reason) {
    code = code_of(reason);
    message = reason.what();
  }
  if (code == ErrorCode::out_of_memory) return no_memory_for(worker, ticket, message);
  const std::lock_guard lock(mutex_);
  auto found = worker.tasks.extract(ticket);
  if (!found.empty()) fail_page(std::move(found.mapped()), message, code);
}

void PageWorkers::hand_on(Worker& worker, std::vector<PageEvent> events) {
  for (PageEvent& event : events) {
    if (!worker.alive) return;
    switch (event.kind) {
      case PageEvent::Kind::text:
      case PageEvent::Kind::progress: {
        const bool is_text = event.kind == PageEvent::Kind::text;
        tell_({.kind = is_text ? WorkerEvent::Kind::text : WorkerEvent::Kind::progress,
               .ticket = event.ticket,
               .keep = event.keep,
               .more = std::move(event.more),
               .progress = event.progress});
        break;
      }
      case PageEvent::Kind::finished: {
        const std::lock_guard lock(mutex_);
        auto found = worker.tasks.extract(event.ticket);
        if (found.empty()) break;
        ++worker.report.pages;
        worker.too_large = 0;
        PageJob& job = found.mapped().job;
        job.page = std::move(event.page);
        for (size_t i = 0; i < std::min(job.further.size(), event.further.size()); ++i)
          job.further[i].page = std::move(event.further[i]);
        finish(std::move(found.mapped()));
        break;
      }
      case PageEvent::Kind::failed: page_failed(worker, event.ticket, event.error);
    }
  }
}

void PageWorkers::advance(Worker& worker, PageReader& reader, const std::optional<PageTask>& task) {
  std::vector<PageEvent> events;
  std::exception_ptr error;
  try {
    if (task) {
      reader.add(task->job);
    } else {
      reader.step(events);
    }
  } catch (const std::exception&) {
    error = std::current_exception();
  }
  hand_on(worker, std::move(events));
  if (!error || !worker.alive) return;
  try {
    std::rethrow_exception(error);
  } catch (const FailedBefore& failure) {
    retire(worker, failure.what(), failure.code(), task ? std::optional(task->job.ticket) : std::nullopt);
  } catch (const DeviceFailure& failure) {
    retire(worker, failure.what(), failure.code());
  } catch (const std::bad_alloc&) {
    task ? page_failed(worker, task->job.ticket, error)
         : step_failed(worker, reader, no_memory, ErrorCode::out_of_memory);
  } catch (const std::exception& reason) {
    task ? page_failed(worker, task->job.ticket, error) : step_failed(worker, reader, reason.what(), code_of(reason));
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
    return retire(worker, "not enough memory for the model", ErrorCode::out_of_memory);
  } catch (const std::exception& error) {
    return retire(worker, error.what(), code_of(error));
  }
  while (worker.alive) {
    const std::optional<PageTask> task = take(worker, *reader);
    if (!task && worker.tasks.empty()) return;
    const Stopwatch working;
    cancel_stopped(worker, *reader);
    advance(worker, *reader, task);
    const double seconds = working.seconds();
    worker.report.seconds += seconds;
    worker.adding = task ? worker.adding + seconds : 0;
    const ReaderLoad load = reader->load();
    const std::lock_guard lock(mutex_);
    worker.load = load;
  }
}

}  // namespace lectern
