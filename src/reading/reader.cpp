#include "lectern/reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "core/log.h"
#include "input/image_parts.h"
#include "lectern/error.h"
#include "reading/models.h"
#include "reading/page_readers.h"
#include "reading/page_workers.h"
#include "reading/read_settings.h"

namespace lectern {
namespace {

// A page from its start to its last event.
struct Inbox {
  std::deque<WorkerEvent> events;                  // not yet taken; of a page that somebody waits for
  std::function<void(const ReadEvent&)> on_event;  // of one that was submitted
  std::string name;                                // of its image
  std::string failure;                             // what on_event threw
};

// The way from tickets to a reader's pages, as long as there is a reader.
struct TicketGate {
  const pid_t process = ::getpid();
  std::mutex mutex;
  PageWorkers* workers = nullptr;

  void cancel(size_t ticket) {
    if (::getpid() != process) return;  // its pages are read by another process
    const std::lock_guard lock(mutex);
    if (workers != nullptr) workers->cancel(ticket);
  }
  void close() {
    const std::lock_guard lock(mutex);
    workers = nullptr;
  }
};

std::vector<PageWorker> workers_of(const std::vector<Model>& models, const ReadOptions& options, int batch) {
  if (models.empty()) throw Error("there is no model to read with");
  std::vector<PageWorker> workers;
  for (const Model& model : models) {
    check_read_options(model, options);
    const int pages = batch_size(model, batch);
    workers.push_back({label_of(model), [model, options, pages] { return make_page_reader(model, options, pages); }});
  }
  return workers;
}

int batch_of(const std::vector<Model>& models, int asked) {
  int pages = 0;
  for (const Model& model : models) pages += batch_size(model, asked);
  return pages;
}

bool is_last(const WorkerEvent& event) { return event.kind == WorkerEvent::Kind::finished; }

ReadEvent read_event(const WorkerEvent& event) {
  ReadEvent made;
  if (event.kind == WorkerEvent::Kind::text) {
    made.keep = event.keep;
    made.more = event.more;
  } else if (event.kind == WorkerEvent::Kind::progress) {
    made.kind = ReadEvent::Kind::progress;
    made.progress = event.progress;
  } else {
    made.kind = ReadEvent::Kind::finished;
    made.page = event.page;
    for (const FurtherPage& further : event.further) made.further.push_back(further.page);
  }
  return made;
}

}  // namespace

// Workers' threads put events into inboxes. A caller of read() takes those of its page; events of submitted pages go
// through one queue to a thread that calls their functions. Never call workers_ with the lock held: it calls told()
// with its own lock.
struct Reader::State {
  State(const std::vector<Model>& given, const ReadOptions& options, int asked)
      : models(given),
        defaults(options),
        batch(batch_of(given, asked)),
        workers(workers_of(given, options, asked), {}, [this](WorkerEvent event) { told(std::move(event)); }),
        deliverer([this] { deliver(); }) {
    gate->workers = &workers;
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  void told(WorkerEvent event);
  void deliver();
  void call(size_t ticket, Inbox& inbox, ReadEvent event);
  size_t start(const std::vector<Image>& images, const std::optional<ReadOptions>& options,
               std::function<void(const ReadEvent&)> on_event);
  Page wait(size_t ticket, const ReadEvents& events);
  std::deque<WorkerEvent> take(size_t ticket, const std::stop_token& stop);

  const std::vector<Model> models;
  const ReadOptions defaults;
  const int batch;   // of all of them
  std::mutex mutex;  // of the following, down to closed
  std::condition_variable_any news;
  std::map<size_t, Inbox> inboxes;      // by ticket, until the last event was taken
  std::deque<WorkerEvent> submissions;  // events of pages that were submitted
  size_t next_ticket = 0;
  bool closing = false;  // no page is taken any more
  bool closed = false;   // every page had its last event
  const std::shared_ptr<TicketGate> gate = std::make_shared<TicketGate>();
  PageWorkers workers;
  std::thread deliverer;  // last: it uses all of the others
};

Reader::State::~State() {
  gate->close();
  std::vector<size_t> tickets;
  {
    const std::lock_guard lock(mutex);
    closing = true;
    for (const auto& [ticket, inbox] : inboxes) tickets.push_back(ticket);
  }
  for (const size_t ticket : tickets) workers.cancel(ticket);
  {
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return inboxes.empty(); });
    closed = true;
  }
  news.notify_all();
  deliverer.join();
}

void Reader::State::told(WorkerEvent event) {
  if (event.kind == WorkerEvent::Kind::lost) return;  // its pages are read by others, or say why not
  const std::lock_guard lock(mutex);
  const auto found = inboxes.find(event.ticket);
  if (found == inboxes.end()) return;
  (found->second.on_event ? submissions : found->second.events).push_back(std::move(event));
  news.notify_all();
}

void Reader::State::deliver() {
  std::unique_lock lock(mutex);
  for (;;) {
    news.wait(lock, [&] { return closed || !submissions.empty(); });
    if (submissions.empty()) return;
    const WorkerEvent event = std::move(submissions.front());
    submissions.pop_front();
    Inbox& inbox = inboxes.at(event.ticket);  // stays where it is
    lock.unlock();
    call(event.ticket, inbox, read_event(event));
    lock.lock();
    if (!is_last(event)) continue;
    inboxes.erase(event.ticket);
    news.notify_all();
  }
}

// What the function throws ends its page.
void Reader::State::call(size_t ticket, Inbox& inbox, ReadEvent event) {
  if (!inbox.failure.empty()) {
    if (event.kind != ReadEvent::Kind::finished) return;
    fail(event.page, inbox.failure, ErrorCode::cancelled);
    for (Page& page : event.further) fail(page, inbox.failure, ErrorCode::cancelled);
  }
  std::string why;
  try {
    return inbox.on_event(event);
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "something that is no std::exception";
  }
  log_info("event_function.threw", {{"page", inbox.name}, {"why", why}});
  inbox.failure = fmt::format("{}: not read to its end: its event function threw: {}", inbox.name, why);
  workers.cancel(ticket);
}

size_t Reader::State::start(const std::vector<Image>& images, const std::optional<ReadOptions>& options,
                            std::function<void(const ReadEvent&)> on_event) {
  if (images.empty()) throw Error("there is no page to read");
  if (::getpid() != gate->process) {
    throw Error(fmt::format("{}: this reader belongs to process {}, of which this one is a fork; make one here",
                            images.front().name(), gate->process),
                ErrorCode::unsupported);
  }
  PageTask task;
  task.name = images.front().name();
  task.job.picture = picture_of(images.front());
  task.job.page = images.front().about();
  for (size_t i = 1; i < images.size(); ++i) {
    task.job.further.push_back({.ticket = 0, .picture = picture_of(images[i]), .page = images[i].about()});
  }
  if (images.size() > 1) {
    const int pages = static_cast<int>(std::min<size_t>(images.size(), INT_MAX));
    for (const Model& model : models) check_pages_together(model, options.value_or(defaults), pages);
  }
  if (options) {
    for (const Model& model : models) check_read_options(model, *options);
    task.job.options = std::make_shared<const ReadOptions>(*options);
  }
  size_t ticket = 0;
  {
    const std::lock_guard lock(mutex);
    if (closing) throw Error(task.name + ": not read: the reader is being destroyed", ErrorCode::cancelled);
    ticket = next_ticket++;
    Inbox& inbox = inboxes[ticket];
    inbox.on_event = std::move(on_event);
    inbox.name = task.name;
  }
  task.job.ticket = ticket;
  try {
    workers.add(std::move(task));
  } catch (...) {  // nobody would wait for it
    const std::lock_guard lock(mutex);
    inboxes.erase(ticket);
    throw;
  }
  return ticket;
}

// Waits for events of a page, or for the stop.
std::deque<WorkerEvent> Reader::State::take(size_t ticket, const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  Inbox& inbox = inboxes.at(ticket);
  news.wait(lock, stop, [&] { return !inbox.events.empty(); });
  std::deque<WorkerEvent> events = std::exchange(inbox.events, {});
  if (!events.empty() && is_last(events.back())) {
    inboxes.erase(ticket);
    news.notify_all();
  }
  return events;
}

Page Reader::State::wait(size_t ticket, const ReadEvents& events) {
  bool ended = false;
  std::stop_token stop = events.stop;
  try {
    for (;;) {
      const std::deque<WorkerEvent> taken = take(ticket, stop);
      ended = !taken.empty() && is_last(taken.back());  // even if an earlier callback throws
      for (const WorkerEvent& event : taken) {
        ReadEvent told = read_event(event);
        switch (told.kind) {
          case ReadEvent::Kind::text:
            if (events.text) events.text(told.keep, told.more);
            break;
          case ReadEvent::Kind::progress:
            if (events.progress) events.progress(told.progress);
            break;
          case ReadEvent::Kind::finished:
            if (!told.page.error.empty()) throw Error(told.page.error, told.page.error_code);
            return std::move(told.page);
        }
      }
      if (!stop.stop_requested()) continue;
      stop = {};  // it was heard
      workers.cancel(ticket);
    }
  } catch (...) {
    // Nothing of the page is left behind.
    if (!ended) workers.cancel(ticket);
    while (!ended) {
      for (const WorkerEvent& event : take(ticket, {})) ended |= is_last(event);
    }
    throw;
  }
}

Reader::Reader(const Model& model, const ReadOptions& options, int batch)
    : Reader(std::vector<Model>{model}, options, batch) {}
Reader::Reader(const std::vector<Model>& models, const ReadOptions& options, int batch)
    : state_(std::make_unique<State>(models, options, batch)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&& other) noexcept {
  std::unique_ptr<State> taken = std::move(other.state_);
  const Reader old = std::move(*this);
  state_ = std::move(taken);
  return *this;
}
Reader::~Reader() {
  // The threads of a reader are not in a fork of its process, where nothing can be waited for.
  if (state_ && ::getpid() != state_->gate->process) static_cast<void>(state_.release());
}

Page Reader::read(const Image& image, const ReadEvents& events, const std::optional<ReadOptions>& options) {
  return state_->wait(state_->start({image}, options, {}), events);
}

Page Reader::read(const std::filesystem::path& file, const ReadEvents& events,
                  const std::optional<ReadOptions>& options) {
  return read(Image::from_file(file), events, options);
}

Ticket Reader::submit(const Image& image, std::function<void(const ReadEvent&)> on_event,
                      const std::optional<ReadOptions>& options) {
  return submit(std::vector<Image>{image}, std::move(on_event), options);
}

Ticket Reader::submit(const std::vector<Image>& images, std::function<void(const ReadEvent&)> on_event,
                      const std::optional<ReadOptions>& options) {
  if (!on_event) on_event = [](const ReadEvent&) {};
  Ticket ticket;
  ticket.cancel_ = [gate = state_->gate, number = state_->start(images, options, std::move(on_event))] {
    gate->cancel(number);
  };
  return ticket;
}

int Reader::batch() const { return state_->batch; }
int Reader::max_together() const { return state_->workers.max_together(); }
ReaderLoad Reader::load() const { return state_->workers.load(); }

void Ticket::cancel() const {
  if (cancel_) cancel_();
}

}  // namespace lectern
