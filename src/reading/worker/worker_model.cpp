#include "reading/worker/worker_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <new>
#include <span>
#include <utility>

#include "core/log.h"
#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using namespace worker;

constexpr const char* nonsense = "does not talk as Lectern does";
constexpr const char* unasked = "answers what was not asked";

// Pages are read there; here is what is known of them.
class WorkerPageReader final : public PageReader {
 public:
  WorkerPageReader(std::shared_ptr<WorkerModel> model, int batch) : model_(std::move(model)), batch_(batch) {}
  WorkerPageReader(const WorkerPageReader&) = delete;
  WorkerPageReader& operator=(const WorkerPageReader&) = delete;
  ~WorkerPageReader() override { model_->reader_ended(); }

  int room() const override { return batch_ - static_cast<int>(in_flight_.size()); }

  void add(PageJob job) override {
    try {
      while (model_->is_gone()) model_->receive();
    } catch (const DeviceFailure& failure) {
      throw FailedBefore(failure.what());
    }
    const size_t ticket = job.ticket;
    model_->send(FrameKind::add, to_bytes(AddRequest{epoch_, std::move(job)}));
    in_flight_[ticket] = {};
  }

  void cancel(size_t ticket) override {
    const auto found = in_flight_.find(ticket);
    if (found == in_flight_.end() || std::exchange(found->second.cancelled, true)) return;
    try {
      model_->send(FrameKind::cancel, to_bytes(CancelRequest{ticket}));
    } catch (const DeviceFailure&) {
      return;  // the next step says so
    }
  }

  void step(std::vector<PageEvent>& events) override {
    StepAnswer answer;
    do {
      const Frame frame = model_->receive();
      if (frame.kind != FrameKind::step) model_->lost(unasked);
      answer = model_->value_of<StepAnswer>(frame);
    } while (answer.epoch != epoch_);  // of pages that were given up
    load_ = answer.load;
    for (PageEvent& event : answer.events) {
      const auto found = in_flight_.find(event.ticket);
      if (found == in_flight_.end()) continue;
      if (event.kind == PageEvent::Kind::text) {
        size_t& text = found->second.text;
        if (event.keep > text) model_->lost(nonsense);
        text = event.keep + event.more.size();
      } else if (event.kind == PageEvent::Kind::failed && !event.error) {
        model_->lost(nonsense);
      } else if (event.kind != PageEvent::Kind::progress) {
        in_flight_.erase(found);
      }
      events.push_back(std::move(event));
    }
    if (answer.failure) std::rethrow_exception(exception_of(*answer.failure));
  }

  void clear() override {
    ++epoch_;
    in_flight_.clear();
    try {
      model_->send(FrameKind::clear, to_bytes(ClearRequest{epoch_}));
    } catch (const DeviceFailure&) {
      return;  // the next page is told so
    }
  }

  ReaderLoad load() const override { return load_; }

 private:
  struct InFlight {
    bool cancelled = false;
    size_t text = 0;  // bytes of it that were told and kept
  };

  std::shared_ptr<WorkerModel> model_;
  int batch_;
  uint64_t epoch_ = 0;
  std::map<size_t, InFlight> in_flight_;  // by ticket
  ReaderLoad load_;
};

}  // namespace

WorkerModel::WorkerModel(const std::filesystem::path& program, std::string label, const LoadRequest& request,
                         std::chrono::seconds silence)
    : label_(std::move(label)),
      silence_(silence),
      child_(program,
             {.arguments = {command, label_}, .file = -1, .silent = false, .holds_signals = true, .exit_note = {}}) {
  log_info("worker.process", {{"device", label_}, {"process", child_.process()}});
  try {
    send(FrameKind::load, to_bytes(request));
  } catch (const DeviceFailure&) {
    return;  // facts() says so: others may load
  }
}

WorkerModel::~WorkerModel() {
  begin_to_end();
  const auto now = std::chrono::steady_clock::now();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends_by_.value_or(now) - now);
  child_.finish(std::max(left, std::chrono::milliseconds(0)));
}

void WorkerModel::begin_to_end() {
  constexpr std::chrono::seconds grace(3);  // a driver may take its time
  const std::lock_guard lock(mutex_);
  if (ends_by_) return;
  ends_by_ = std::chrono::steady_clock::now() + grace;
  try {
    send(FrameKind::end, {});
  } catch (const DeviceFailure&) {
    return;  // it has ended
  }
}

ChildProcess::Deadline WorkerModel::deadline() const { return {std::chrono::steady_clock::now() + silence_, {}}; }

void WorkerModel::lost(const std::string& reason) {
  child_.ended();
  if (lost_.empty()) {
    lost_ = reason;
    log_info("worker.lost", {{"device", label_}, {"reason", reason}});
  }
  throw DeviceFailure("its process " + lost_);
}

void WorkerModel::send(FrameKind kind, const std::vector<std::byte>& bytes) {
  const FrameHeader header{magic, kind, bytes.size()};
  try {
    child_.send(std::as_bytes(std::span(&header, 1)), deadline());
    child_.send(bytes, deadline());
  } catch (const ChildProcess::Lost& gone) {
    lost(gone.reason);
  }
}

Frame WorkerModel::receive() {
  try {
    std::optional<Frame> frame =
        receive_frame([this](std::span<std::byte> bytes) { child_.receive(bytes, deadline()); });
    if (!frame) lost(nonsense);
    return std::move(*frame);
  } catch (const ChildProcess::Lost& gone) {
    lost(gone.reason);
  } catch (const std::bad_alloc&) {  // the rest of the answer would be taken for the next
    lost("sends more than there is memory for");
  }
}

template <typename Value>
Value WorkerModel::value_of(const Frame& frame) {
  try {
    return from_bytes<Value>(frame.bytes);
  } catch (const Error&) {
    lost(nonsense);
  }
}

// The frame, if it is the one that was expected, or throws what the other end failed with.
Frame WorkerModel::as(FrameKind expected, Frame frame) {
  if (frame.kind == FrameKind::failed) std::rethrow_exception(exception_of(value_of<Failure>(frame)));
  if (frame.kind != expected) lost(unasked);
  return frame;
}

const ModelFacts& WorkerModel::facts() {
  const std::lock_guard lock(mutex_);
  if (loaded_) return facts_;
  facts_ = value_of<ModelFacts>(as(FrameKind::loaded, receive()));
  if (facts_.batch < 1 || facts_.tokens_of_page < 0) lost(nonsense);
  loaded_ = true;
  return facts_;
}

std::unique_ptr<PageReader> WorkerModel::make_reader(const ReadOptions& options, int batch) {
  facts();
  const std::lock_guard lock(mutex_);
  if (has_reader_) {
    throw Error(fmt::format("{}: its process reads for another reader; load the model once more for this one", label_),
                ErrorCode::unsupported);
  }
  send(FrameKind::make_reader, to_bytes(ReaderRequest{options, batch}));
  // What is still on its way is of the reader before.
  Frame frame = receive();
  while (frame.kind == FrameKind::step) frame = receive();
  as(FrameKind::reader_made, std::move(frame));
  has_reader_ = true;
  return std::make_unique<WorkerPageReader>(shared_from_this(), batch);
}

void WorkerModel::reader_ended() {
  const std::lock_guard lock(mutex_);
  has_reader_ = false;
  try {
    if (!child_.has_hung_up()) send(FrameKind::drop_reader, {});
  } catch (const DeviceFailure&) {
    return;  // whoever uses the model next learns of it
  }
}

}  // namespace lectern
