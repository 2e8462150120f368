#include "job/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "core/clock.h"
#include "core/stopped.h"
#include "job/picture_budget.h"

namespace lectern {
namespace {

constexpr const char* no_memory = "not enough memory to open it; close other programs, or use a smaller --dpi";

// What is handed on, in order.
struct Slot {
  enum class Kind { begin, page, end, failed };
  Kind kind = Kind::page;
  size_t document = 0;
  bool ready = true;
  int pages = 0;
  size_t chosen = 0;
  std::shared_ptr<const DocumentPage> page;
  std::shared_ptr<const Picture> picture;
  std::string message;
  int number = 0;
  std::string shown;  // text of a page whose turn has not come
};

class Run {
 public:
  Run(const std::vector<PipelineDocument>& documents, const std::vector<PageWorker>& workers,
      const PipelineOptions& options, const PipelineEvents& events)
      : documents_(documents),
        options_(options),
        events_(events),
        budget_(options.memory),
        workers_(workers, stop_, worker_events()) {}

  PipelineReport run();

 private:
  WorkerEvents worker_events();

  // On the rendering thread.
  void render();
  bool render_document(size_t document);  // whether to its end
  void render_page(size_t document, PageSource& source, int index, std::vector<Warning> warnings);
  void open(PageSource& source, int index, PageTask& task);

  bool wants_picture(const DocumentPage& page) const { return options_.wants_picture && options_.wants_picture(page); }
  size_t push(Slot slot);      // -> its ticket
  void finish(PageTask task);  // on any thread
  void post(std::function<void()> call);
  void show(size_t document, int number, size_t keep, std::string more);  // with the lock held

  // On the caller's thread.
  bool deliver(bool wait);
  void hand_on(const Slot& slot);

  const std::vector<PipelineDocument>& documents_;
  const PipelineOptions& options_;
  const PipelineEvents& events_;
  std::stop_source stop_;
  bool cut_short_ = false;  // a page was handed on that the stop ended: nothing follows it

  std::mutex mutex_;  // of the next six
  std::condition_variable_any room_, news_;
  std::deque<Slot> slots_;
  size_t first_ticket_ = 0;                   // of slots_.front()
  bool rendered_all_ = false;                 // or nothing more will come
  bool complete_ = false;                     // every page of every document was rendered
  std::vector<std::function<void()>> posts_;  // for the caller's thread
  std::exception_ptr unforeseen_;

  PictureBudget budget_;
  PageWorkers workers_;  // last: its threads use all of the others
};

WorkerEvents Run::worker_events() {
  WorkerEvents of_workers;
  of_workers.finished = [this](PageTask task) { finish(std::move(task)); };
  of_workers.lost = [this](const std::string& device, const std::string& failure) {
    if (events_.lost) post([this, device, failure] { events_.lost(device, failure); });
  };
  if (events_.text) {
    of_workers.text = [this](const PageTask& task, size_t keep, std::string_view more) {
      const std::lock_guard lock(mutex_);
      if (task.ticket == first_ticket_) return show(task.document, task.page.number, keep, std::string(more));
      Slot& slot = slots_[task.ticket - first_ticket_];
      slot.number = task.page.number;
      slot.shown.resize(keep);
      slot.shown += more;
    };
  }
  if (events_.progress) {
    of_workers.progress = [this](const PageTask& task, const Progress& progress) {
      post([this, document = task.document, number = task.page.number, progress] {
        events_.progress(document, number, progress);
      });
    };
  }
  return of_workers;
}

void Run::show(size_t document, int number, size_t keep, std::string more) {
  posts_.emplace_back([=, this, more = std::move(more)] { events_.text(document, number, keep, more); });
  news_.notify_all();
}

void Run::post(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  posts_.push_back(std::move(call));
  news_.notify_all();
}

size_t Run::push(Slot slot) {
  const std::lock_guard lock(mutex_);
  slots_.push_back(std::move(slot));
  news_.notify_all();
  return first_ticket_ + slots_.size() - 1;
}

void Run::finish(PageTask task) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[task.ticket - first_ticket_];
  slot.page = std::make_shared<const DocumentPage>(std::move(task.page));
  if (wants_picture(*slot.page)) slot.picture = std::move(task.picture);
  slot.ready = true;
  if (events_.finished) {
    posts_.emplace_back([this, document = slot.document, page = slot.page] { events_.finished(document, *page); });
  }
  news_.notify_all();
}

void Run::render() {
  bool complete = true;
  try {
    for (size_t document = 0; document < documents_.size() && complete; ++document) {
      complete = !stop_.stop_requested() && render_document(document);
    }
  } catch (const Stopped&) {
    complete = false;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    unforeseen_ = std::current_exception();
    stop_.request_stop();
  }
  workers_.close();
  const std::lock_guard lock(mutex_);
  rendered_all_ = true;
  complete_ = complete;
  news_.notify_all();
}

bool Run::render_document(size_t document) {
  Slot slot;
  slot.kind = Slot::Kind::begin;
  slot.document = document;
  std::unique_ptr<PageSource> source;
  std::vector<int> chosen;
  try {
    source = documents_[document].open();
    slot.pages = source->pages();
    if (documents_[document].choose) {
      chosen = documents_[document].choose(slot.pages);
    } else {
      for (int i = 0; i < slot.pages; ++i) chosen.push_back(i);
    }
    slot.chosen = chosen.size();
  } catch (const std::bad_alloc&) {
    slot.message = fmt::format("{}: {}", documents_[document].name, no_memory);
  } catch (const std::exception& error) {
    slot.message = error.what();
  }
  const bool opened = slot.message.empty();
  if (!opened) slot.kind = Slot::Kind::failed;
  if (opened && events_.opened) {
    post([this, document, pages = slot.pages, count = slot.chosen] { events_.opened(document, pages, count); });
  }
  push(std::move(slot));
  if (!opened) return true;
  for (const int index : chosen) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, stop_.get_token(), [&] { return slots_.size() < options_.waiting; });
    }
    workers_.wait_for_room(options_.ahead);
    if (!budget_.wait(stop_.get_token())) return false;
    // What is to be said of the file as a whole is said with the first page of it.
    render_page(document, *source, index, index == chosen.front() ? source->warnings() : std::vector<Warning>());
  }
  Slot end;
  end.kind = Slot::Kind::end;
  end.document = document;
  push(std::move(end));
  return true;
}

void Run::open(PageSource& source, int index, PageTask& task) {
  const Clock rendering;
  try {
    SourcePage page = source.page(index);
    std::ranges::move(page.warnings, std::back_inserter(task.page.warnings));
    if (options_.prepare) options_.prepare(page, task.page);
    task.page.width = page.picture.width;
    task.page.height = page.picture.height;
    task.page.dpi = page.dpi;
    task.page.turn = page.turn;
    task.picture = budget_.hold(std::move(page.picture));
    task.page.render_seconds = rendering.seconds();
  } catch (const std::bad_alloc&) {
    task.page.error = fmt::format("{}: {}", task.name, no_memory);
  } catch (const std::exception& error) {
    task.page.error = error.what();
  }
}

void Run::render_page(size_t document, PageSource& source, int index, std::vector<Warning> warnings) {
  const PipelineDocument& of = documents_[document];
  PageTask task;
  task.document = document;
  task.name = source.pages() > 1 ? fmt::format("{}: page {}", of.name, index + 1) : of.name;
  task.page.number = index + 1;
  task.page.warnings = std::move(warnings);
  Slot slot;
  slot.document = document;
  if (std::optional<DocumentPage> known = of.known ? of.known(index) : std::nullopt) {
    slot.page = std::make_shared<const DocumentPage>(std::move(*known));
    if (wants_picture(*slot.page)) {
      open(source, index, task);
      slot.picture = std::move(task.picture);
    }
    if (events_.known) post([this, document, page = slot.page] { events_.known(document, *page); });
    push(std::move(slot));
    return;
  }
  slot.ready = false;
  if (const std::string dead = workers_.dead(); dead.empty()) {
    open(source, index, task);
  } else {
    task.page.error = fmt::format("{}: not read: {}", task.name, dead);
  }
  if (!task.page.error.empty()) task.page.finish = "failed";
  task.ticket = push(std::move(slot));
  if (task.page.finish.empty()) {
    workers_.add(std::move(task));
  } else {
    finish(std::move(task));
  }
}

void Run::hand_on(const Slot& slot) {
  if (cut_short_) return;
  switch (slot.kind) {
    case Slot::Kind::begin:
      if (events_.begin) events_.begin(slot.document, slot.pages, slot.chosen);
      return;
    case Slot::Kind::page:
      cut_short_ = slot.page->finish == "stopped";
      if (events_.text && !slot.shown.empty()) events_.text(slot.document, slot.number, 0, slot.shown);
      if (events_.page) events_.page(slot.document, *slot.page, slot.picture);
      return;
    case Slot::Kind::end:
      if (events_.end) events_.end(slot.document);
      return;
    case Slot::Kind::failed:
      if (events_.failed) events_.failed(slot.document, slot.message);
  }
}

// False when nothing is left to come.
bool Run::deliver(bool wait) {
  std::vector<std::function<void()>> posts;
  std::vector<Slot> ready;
  {
    std::unique_lock lock(mutex_);
    const auto news = [&] { return !posts_.empty() || (!slots_.empty() && slots_.front().ready); };
    if (wait) news_.wait(lock, stop_.get_token(), [&] { return news() || (rendered_all_ && slots_.empty()); });
    if (!news()) return false;
    posts.swap(posts_);
    while (!slots_.empty() && slots_.front().ready) {
      ready.push_back(std::move(slots_.front()));
      slots_.pop_front();
      ++first_ticket_;
    }
    if (!slots_.empty() && !slots_.front().shown.empty()) {
      Slot& next = slots_.front();
      show(next.document, next.number, 0, std::exchange(next.shown, {}));
    }
    room_.notify_all();
  }
  for (const auto& post : posts) post();
  for (Slot& slot : ready) {
    hand_on(slot);
    slot = {};  // its picture makes room for the next
  }
  return true;
}

PipelineReport Run::run() {
  const std::stop_callback forward(options_.stop, [this] { stop_.request_stop(); });
  struct Renderer {
    std::stop_source stop;
    std::thread thread;
    ~Renderer() {
      stop.request_stop();
      if (thread.joinable()) thread.join();
    }
  } renderer{stop_, std::thread([this] { render(); })};
  while (!stop_.stop_requested() && deliver(true)) {
  }
  renderer.thread.join();
  PipelineReport report;
  report.workers = workers_.join();
  while (deliver(false)) {
  }
  if (unforeseen_) std::rethrow_exception(unforeseen_);
  report.stopped = stop_.stop_requested() && !(complete_ && slots_.empty() && !cut_short_);
  report.peak_picture_bytes = budget_.peak();
  return report;
}

}  // namespace

PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const std::vector<PageWorker>& workers,
                            const PipelineOptions& options, const PipelineEvents& events) {
  return Run(documents, workers, options, events).run();
}

}  // namespace lectern
