#include "job/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "core/error_code.h"
#include "core/stopped.h"
#include "core/stopwatch.h"
#include "job/picture_budget.h"

namespace lectern {
namespace {

constexpr const char* no_memory = "not enough memory to open it; close other programs, or use a smaller `dpi`";

using Kind = PipelineEvent::Kind;

// What is handed on, in order.
struct Slot {
  PipelineEvent event;
  bool ready = true;
  std::string shown = {};  // text of a page whose turn has not come
};

PipelineEvent event_of(Kind kind, const PipelineEvent& slot) {
  PipelineEvent event;
  event.kind = kind;
  event.document = slot.document;
  event.number = slot.number;
  return event;
}

bool knows_all(const PipelineDocument& document, std::span<const int> pages) {
  return document.known && std::ranges::all_of(pages, [&](int page) { return document.known(page).has_value(); });
}

class Pipeline {
 public:
  Pipeline(const std::vector<PipelineDocument>& documents, const MakeReadingPool& make_pool,
           const PipelineOptions& options, const std::function<void(const PipelineEvent&)>& take)
      : documents_(documents),
        options_(options),
        take_(take),
        budget_(options.memory),
        pool_(make_pool(stop_, [this](WorkerEvent event) { told(std::move(event)); })) {}

  PipelineReport run();

 private:
  // On the workers' threads.
  void told(WorkerEvent event);

  // On the rendering thread.
  void render();
  bool render_document(size_t document);  // whether to its end
  void render_page(size_t document, PageSource& source, int index, std::vector<Warning> warnings, bool anew);
  void add_to_group(PageTask task);
  void end_group();
  void open(PageSource& source, int index, PageTask& task);

  bool wants_picture(const Page& page) const { return options_.wants_picture && options_.wants_picture(page); }
  size_t push(Slot slot);  // -> its ticket
  void post(PipelineEvent event);
  // With the lock held.
  void finish(size_t ticket, Page page, std::shared_ptr<const Picture> picture);
  void show(const Slot& slot, size_t keep, std::string more);

  // On the caller's thread.
  bool deliver(bool wait);
  void hand_on(Slot& slot);
  void take(const PipelineEvent& event) const {
    if (take_) take_(event);
  }

  const std::vector<PipelineDocument>& documents_;
  const PipelineOptions& options_;
  const std::function<void(const PipelineEvent&)>& take_;
  std::stop_source stop_;
  std::optional<PageTask> group_;  // of the rendering thread: pages that will be read together,
  size_t group_bytes_ = 0;         // and the bytes of their pictures
  bool cut_short_ = false;         // a page was handed on that the stop ended: nothing follows it

  std::mutex mutex_;  // of the following, down to unforeseen_
  std::condition_variable_any room_, news_;
  std::deque<Slot> slots_;
  size_t first_ticket_ = 0;            // of slots_.front()
  bool rendered_all_ = false;          // or nothing more will come
  bool complete_ = false;              // every page of every document was rendered
  std::vector<PipelineEvent> posted_;  // as it happened, for the caller's thread
  std::exception_ptr unforeseen_;

  PictureBudget budget_;
  std::unique_ptr<ReadingPool> pool_;  // last: its threads use all of the others
};

void Pipeline::told(WorkerEvent event) {
  const std::lock_guard lock(mutex_);
  if (event.kind == WorkerEvent::Kind::lost) {
    PipelineEvent lost;
    lost.kind = Kind::lost;
    lost.device = std::move(event.device);
    lost.message = std::move(event.failure);
    posted_.push_back(std::move(lost));
    news_.notify_all();
    return;
  }
  Slot& slot = slots_[event.ticket - first_ticket_];
  if (event.kind == WorkerEvent::Kind::finished) {
    for (FurtherPage& further : event.further)
      finish(further.ticket, std::move(further.page), std::move(further.picture));
    finish(event.ticket, std::move(event.page), std::move(event.picture));
  } else if (event.kind == WorkerEvent::Kind::progress) {
    posted_.push_back(event_of(Kind::progress, slot.event));
    posted_.back().progress = event.progress;
  } else if (event.ticket == first_ticket_) {
    show(slot, event.keep, std::move(event.more));
  } else {
    slot.shown.resize(event.keep);
    slot.shown += event.more;
  }
  news_.notify_all();
}

void Pipeline::show(const Slot& slot, size_t keep, std::string more) {
  PipelineEvent& text = posted_.emplace_back(event_of(Kind::text, slot.event));
  text.keep = keep;
  text.more = std::move(more);
}

void Pipeline::post(PipelineEvent event) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(event));
  news_.notify_all();
}

size_t Pipeline::push(Slot slot) {
  const std::lock_guard lock(mutex_);
  slots_.push_back(std::move(slot));
  news_.notify_all();
  return first_ticket_ + slots_.size() - 1;
}

void Pipeline::finish(size_t ticket, Page page, std::shared_ptr<const Picture> picture) {
  Slot& slot = slots_[ticket - first_ticket_];
  slot.event.page = std::make_shared<const Page>(std::move(page));
  if (wants_picture(*slot.event.page)) slot.event.picture = std::move(picture);
  slot.ready = true;
  posted_.push_back(event_of(Kind::finished, slot.event));
  posted_.back().page = slot.event.page;
}

void Pipeline::render() {
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
  pool_->close();
  const std::lock_guard lock(mutex_);
  rendered_all_ = true;
  complete_ = complete;
  news_.notify_all();
}

bool Pipeline::render_document(size_t document) {
  PipelineEvent begin;
  begin.document = document;
  std::unique_ptr<PageSource> source;
  std::vector<int> chosen;
  try {
    source = documents_[document].open();
    begin.pages = source->pages();
    if (documents_[document].choose) {
      chosen = documents_[document].choose(begin.pages);
    } else {
      for (int i = 0; i < begin.pages; ++i) chosen.push_back(i);
    }
    begin.chosen = chosen.size();
    begin.original = source->original();
  } catch (const std::bad_alloc&) {
    begin.message = fmt::format("{}: {}", documents_[document].name, no_memory);
    begin.code = ErrorCode::out_of_memory;
  } catch (const std::exception& error) {
    begin.message = error.what();
    begin.code = code_of(error);
  }
  const bool opened = begin.message.empty();
  begin.kind = opened ? Kind::opened : Kind::failed;
  if (opened) {
    post(begin);
    begin.kind = Kind::begin;
  }
  push({.event = std::move(begin)});
  if (!opened) return true;
  const auto together = static_cast<size_t>(std::max(1, options_.pages_together));
  bool anew = false;  // pages of this group that were read before are read again, with those that were not
  for (size_t i = 0; i < chosen.size(); ++i) {
    const bool begins = i % together == 0;
    if (begins || group_bytes_ >= options_.group_memory) {
      end_group();  // its pages wait for nothing, or they might wait for each other
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, stop_.get_token(), [&] { return slots_.size() < options_.waiting; });
      }
      pool_->wait_for_room(options_.ahead);
      if (!budget_.wait(stop_.get_token())) return false;
      if (begins) {
        const auto group = std::span(chosen).subspan(i, std::min(together, chosen.size() - i));
        anew = together > 1 && !knows_all(documents_[document], group);
      }
    }
    // What is to be said of the file as a whole is said with the first page of it.
    render_page(document, *source, chosen[i], i == 0 ? source->warnings() : std::vector<Warning>(), anew);
  }
  end_group();
  Slot end;
  end.event.kind = Kind::end;
  end.event.document = document;
  push(std::move(end));
  return true;
}

void Pipeline::open(PageSource& source, int index, PageTask& task) {
  const Stopwatch rendering;
  try {
    SourcePage page = source.page(index);
    std::ranges::move(page.warnings, std::back_inserter(task.job.page.warnings));
    task.job.page.has_text = page.has_text;
    if (options_.prepare) options_.prepare(page, task.job.page);
    task.job.page.width = page.picture.width;
    task.job.page.height = page.picture.height;
    task.job.page.dpi = page.dpi;
    task.job.page.turn = page.turn;
    task.job.page.of_pdf = page.of_pdf;
    task.job.picture = budget_.hold(std::move(page.picture));
    task.job.page.stats.render_seconds = rendering.seconds();
  } catch (const std::bad_alloc&) {
    fail(task.job.page, fmt::format("{}: {}", task.name, no_memory), ErrorCode::out_of_memory);
  } catch (const std::exception& error) {
    fail(task.job.page, error.what(), code_of(error));
  }
}

void Pipeline::add_to_group(PageTask task) {
  if (options_.pages_together <= 1) return pool_->add(std::move(task));
  group_bytes_ += task.job.picture->rgb.size();
  if (!group_) {
    group_ = std::move(task);
  } else {
    group_->job.further.push_back({task.job.ticket, std::move(task.job.picture), std::move(task.job.page)});
  }
}

void Pipeline::end_group() {
  if (group_) pool_->add(std::move(*group_));
  group_.reset();
  group_bytes_ = 0;
}

void Pipeline::render_page(size_t document, PageSource& source, int index, std::vector<Warning> warnings, bool anew) {
  const PipelineDocument& of = documents_[document];
  PageTask task;
  task.name = source.pages() > 1 ? fmt::format("{}: page {}", of.name, index + 1) : of.name;
  task.job.page.number = index + 1;
  task.job.page.warnings = std::move(warnings);
  Slot slot;
  slot.event.kind = Kind::page;
  slot.event.document = document;
  slot.event.number = index + 1;
  if (std::optional<Page> known = of.known && !anew ? of.known(index) : std::nullopt) {
    if (wants_picture(*known)) {
      open(source, index, task);
      known->has_text = task.job.page.has_text;
      slot.event.picture = std::move(task.job.picture);
    }
    slot.event.page = std::make_shared<const Page>(std::move(*known));
    PipelineEvent event = event_of(Kind::known, slot.event);
    event.page = slot.event.page;
    post(std::move(event));
    push(std::move(slot));
    return;
  }
  slot.ready = false;
  if (const std::string dead = pool_->dead(); dead.empty()) {
    open(source, index, task);
  } else {
    fail(task.job.page, fmt::format("{}: not read: {}", task.name, dead), ErrorCode::device_lost);
  }
  task.job.ticket = push(std::move(slot));
  if (!task.job.page.finish) {
    add_to_group(std::move(task));
  } else {
    const std::lock_guard lock(mutex_);
    finish(task.job.ticket, std::move(task.job.page), std::move(task.job.picture));
    news_.notify_all();
  }
}

void Pipeline::hand_on(Slot& slot) {
  if (cut_short_) return;
  if (slot.event.kind == Kind::page) {
    cut_short_ = slot.event.page->finish == Finish::stopped;
    if (!slot.shown.empty()) {
      PipelineEvent text = event_of(Kind::text, slot.event);
      text.more = std::move(slot.shown);
      take(text);
    }
  }
  take(slot.event);
}

// False when nothing is left to come.
bool Pipeline::deliver(bool wait) {
  std::vector<PipelineEvent> posted;
  std::vector<Slot> ready;
  {
    std::unique_lock lock(mutex_);
    const auto news = [&] { return !posted_.empty() || (!slots_.empty() && slots_.front().ready); };
    if (wait) news_.wait(lock, stop_.get_token(), [&] { return news() || (rendered_all_ && slots_.empty()); });
    if (!news()) return false;
    posted.swap(posted_);
    while (!slots_.empty() && slots_.front().ready) {
      ready.push_back(std::move(slots_.front()));
      slots_.pop_front();
      ++first_ticket_;
    }
    if (!slots_.empty() && !slots_.front().shown.empty()) {
      Slot& next = slots_.front();
      show(next, 0, std::exchange(next.shown, {}));
    }
    room_.notify_all();
  }
  for (const PipelineEvent& event : posted) take(event);
  for (Slot& slot : ready) {
    hand_on(slot);
    slot = {};  // its picture makes room for the next
  }
  return true;
}

PipelineReport Pipeline::run() {
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
  report.workers = pool_->join();
  while (deliver(false)) {
  }
  if (unforeseen_) std::rethrow_exception(unforeseen_);
  report.stopped = stop_.stop_requested() && !(complete_ && slots_.empty() && !cut_short_);
  report.peak_picture_bytes = budget_.peak();
  return report;
}

}  // namespace

PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const MakeReadingPool& make_pool,
                            const PipelineOptions& options, const std::function<void(const PipelineEvent&)>& take) {
  return Pipeline(documents, make_pool, options, take).run();
}

PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const std::vector<PageWorker>& workers,
                            const PipelineOptions& options, const std::function<void(const PipelineEvent&)>& take) {
  const auto make_pool = [&](const std::stop_source& stop, std::function<void(WorkerEvent)> tell) {
    return std::make_unique<PageWorkers>(workers, stop, std::move(tell));
  };
  return run_pipeline(documents, make_pool, options, take);
}

}  // namespace lectern
