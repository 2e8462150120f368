#include "reading/worker/page_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "core/io.h"
#include "core/log.h"
#include "core/system/processors.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/page_readers.h"
#include "reading/read_settings.h"
#include "reading/worker/protocol.h"

namespace lectern::worker {
namespace {

constexpr int exit_nonsense = 3;   // the other end does not talk as Lectern does
constexpr int exit_no_memory = 4;  // for what it sends

// Frames from the other end. A thread of its own takes them, so that a page can be cancelled, and the process ends with
// its parent, while a page is being read.
class Inbox {
 public:
  explicit Inbox(int channel) : channel_(channel) {
    std::thread([this] { receive_all(); }).detach();
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  Frame wait() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return !frames_.empty(); });
    return take();
  }
  std::optional<Frame> next() {
    const std::lock_guard lock(mutex_);
    if (frames_.empty()) return std::nullopt;
    return take();
  }

 private:
  Frame take() {
    Frame frame = std::move(frames_.front());
    frames_.pop_front();
    return frame;
  }

  void receive(std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t got = read_some(channel_, bytes.data(), bytes.size());
      if (got <= 0) ::_exit(0);
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
  }

  void receive_all() {
    for (bool last = false; !last;) {
      try {
        std::optional<Frame> frame = receive_frame([this](std::span<std::byte> bytes) { receive(bytes); });
        if (!frame) ::_exit(exit_nonsense);
        last = frame->kind == FrameKind::end;
        const std::lock_guard lock(mutex_);
        frames_.push_back(std::move(*frame));
        news_.notify_all();
      } catch (const std::bad_alloc&) {
        ::_exit(exit_no_memory);
      }
    }
    end_with_parent();
  }

  // After the last frame the parent sends nothing, but waits. If it ends before this process, which a driver can delay,
  // nobody waits.
  [[noreturn]] void end_with_parent() const {
    pollfd channel = {channel_, 0, 0};
    while (::poll(&channel, 1, -1) < 0 && errno == EINTR) continue;
    ::_exit(0);
  }

  const int channel_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Frame> frames_;
};

class PageServer {
 public:
  PageServer(int channel, Inbox& inbox) : channel_(channel), inbox_(inbox) {}

  int run() {
    for (;;) {
      std::optional<Frame> frame = inbox_.next();
      if (!frame && (!reader_ || in_flight_ == 0)) frame = inbox_.wait();
      if (!frame) {
        step();
      } else if (frame->kind == FrameKind::end) {
        return 0;
      } else {
        take(*frame);
      }
    }
  }

 private:
  void send(FrameKind kind, const std::vector<std::byte>& bytes) const {
    const FrameHeader header{magic, kind, bytes.size()};
    send(&header, sizeof(header));
    send(bytes.data(), bytes.size());
  }

  void send(const void* from, size_t bytes) const {
    const auto* at = static_cast<const std::byte*>(from);
    while (bytes > 0) {
      const ssize_t sent = ::send(channel_, at, bytes, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) ::_exit(0);  // the other end is gone
      at += sent;
      bytes -= static_cast<size_t>(sent);
    }
  }

  // Calls `body`; what it throws becomes the answer.
  template <typename Body>
  void answer(const Body& body) {
    try {
      body();
    } catch (const std::exception&) {
      send(FrameKind::failed, to_bytes(failure_of(std::current_exception())));
    }
  }

  void take(const Frame& frame) {
    switch (frame.kind) {
      case FrameKind::load: return answer([&] { load(from_bytes<LoadRequest>(frame.bytes)); });
      case FrameKind::make_reader: return answer([&] { make_reader(from_bytes<ReaderRequest>(frame.bytes)); });
      case FrameKind::add: return add(from_bytes<AddRequest>(frame.bytes));
      case FrameKind::cancel:
        if (reader_) reader_->cancel(from_bytes<CancelRequest>(frame.bytes).ticket);
        return;
      case FrameKind::clear: return clear(from_bytes<ClearRequest>(frame.bytes).epoch);
      case FrameKind::drop_reader: return drop_reader();
      default: throw Error("a worker is asked for what none can do", ErrorCode::corrupt_input);
    }
  }

  void load(const LoadRequest& request) {
    if (request.log != LogLevel::off) set_log(request.log);
    const bool kept = keep_to(request.processors);
    use_threads(request.threads);
    log_info("worker.started", {{"device", request.device},
                                {"threads", request.threads},
                                {"processors", kept ? request.processors.size() : allowed_processors().size()}});
    model_ =
        Model::load(request.folder, {request.weights, request.device, request.without, {}, request.tensor_parallel});
    const LoadedModel& loaded = loaded_of(*model_);
    send(FrameKind::loaded,
         to_bytes(ModelFacts{model_->device(), model_->weights(), loaded.device.lowered(loaded.format),
                             batch_size(*model_, 0), tokens_of_page(*model_)}));
  }

  void make_reader(const ReaderRequest& request) {
    if (!model_) throw Error("a worker has no model to read with");
    drop_reader();
    epoch_ = 0;
    reader_ = make_page_reader(*model_, request.options, request.batch);
    send(FrameKind::reader_made, {});
  }

  void drop_reader() {
    reader_.reset();
    in_flight_ = 0;
  }

  // What is thrown concerns the page alone.
  void add(AddRequest request) {
    if (!reader_ || request.epoch != epoch_) return;
    const size_t ticket = request.job.ticket;
    ++in_flight_;
    try {
      reader_->add(std::move(request.job));
    } catch (const std::exception&) {
      const std::exception_ptr error = std::current_exception();
      StepAnswer answer;
      if (Failure failure = failure_of(error); failure.kind == Failure::Kind::device) {
        answer.failure = std::move(failure);
      } else {
        PageEvent& failed = answer.events.emplace_back();
        failed.ticket = ticket;
        failed.kind = PageEvent::Kind::failed;
        failed.error = error;
      }
      tell(std::move(answer));
    }
  }

  void clear(uint64_t epoch) {
    epoch_ = epoch;
    in_flight_ = 0;
    if (reader_) reader_->clear();
  }

  void step() {
    StepAnswer answer;
    try {
      reader_->step(answer.events);
    } catch (const std::exception&) {
      answer.failure = failure_of(std::current_exception());
    }
    tell(std::move(answer));
  }

  void tell(StepAnswer answer) {
    for (const PageEvent& event : answer.events) {
      const bool last = event.kind == PageEvent::Kind::finished || event.kind == PageEvent::Kind::failed;
      if (last && in_flight_ > 0) --in_flight_;
    }
    answer.epoch = epoch_;
    answer.load = reader_->load();
    if (answer.failure) in_flight_ = 0;  // until the other end clears
    send(FrameKind::step, to_bytes(std::move(answer)));
  }

  const int channel_;
  Inbox& inbox_;
  std::optional<Model> model_;
  std::unique_ptr<PageReader> reader_;
  uint64_t epoch_ = 0;
  size_t in_flight_ = 0;
};

}  // namespace

int serve_pages(int channel) {
  struct stat status {};
  if (::fstat(channel, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    throw Error("`worker`: is started by Lectern itself, for devices that get a process each; there is nothing to do");
  }
  // Of a terminal, or of whoever ends a service, they reach the parent too, which ends pages as they should. They were
  // blocked so far.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  static auto* const inbox = new Inbox(channel);  // its thread may outlive all else
  return PageServer(channel, *inbox).run();
}

}  // namespace lectern::worker
