#include "reading/worker/worker_model.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "core/log.h"
#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using namespace worker;

// Pages are read there; here is what is known of them.
class WorkerPageReader final : public PageReader {
 public:
  WorkerPageReader(std::shared_ptr<WorkerModel> model, int batch) : model_(std::move(model)), batch_(batch) {}
  WorkerPageReader(const WorkerPageReader&) = delete;
  WorkerPageReader& operator=(const WorkerPageReader&) = delete;
  ~WorkerPageReader() override { model_->reader_ended(); }

  int room() const override { return batch_ - static_cast<int>(in_flight_.size()); }

  void add(PageJob job) override {
    // A page that was never sent has not been the end of anybody.
    while (model_->is_gone()) model_->receive();
    const size_t ticket = job.ticket;
    model_->send(FrameKind::add, to_bytes(AddRequest{epoch_, std::move(job)}));
    in_flight_[ticket] = false;
  }

  void cancel(size_t ticket) override {
    const auto found = in_flight_.find(ticket);
    if (found == in_flight_.end() || std::exchange(found->second, true)) return;
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
      if (frame.kind != FrameKind::step) throw DeviceFailure("its process answers what was not asked");
      answer = parse(frame);
    } while (answer.epoch != epoch_);  // of pages that were given up
    load_ = answer.load;
    for (PageEvent& event : answer.events) {
      if (!in_flight_.contains(event.ticket)) continue;
      const bool last = event.kind == PageEvent::Kind::finished || event.kind == PageEvent::Kind::failed;
      if (last) in_flight_.erase(event.ticket);
      events.push_back(std::move(event));
    }
    if (answer.failure) std::rethrow_exception(exception_of(*answer.failure));
  }

  void clear() override {
    ++epoch_;
    in_flight_.clear();
    model_->send(FrameKind::clear, to_bytes(ClearRequest{epoch_}));
  }

  ReaderLoad load() const override { return load_; }

 private:
  static StepAnswer parse(const Frame& frame) {
    try {
      return from_bytes<StepAnswer>(frame.bytes);
    } catch (const Error& error) {
      throw DeviceFailure(error.what());
    }
  }

  std::shared_ptr<WorkerModel> model_;
  int batch_;
  uint64_t epoch_ = 0;
  std::map<size_t, bool> in_flight_;  // by ticket: whether it was cancelled
  ReaderLoad load_;
};

}  // namespace

WorkerModel::WorkerModel(const std::filesystem::path& program, std::string label, const LoadRequest& request,
                         std::chrono::seconds silence)
    : label_(std::move(label)),
      silence_(silence),
      child_(program, {.arguments = {command, label_}, .file = -1, .silent = false, .exit_note = {}}) {
  log_info("worker.process", {{"device", label_}, {"process", child_.process()}});
  send(FrameKind::load, to_bytes(request));
}

WorkerModel::~WorkerModel() {
  begin_to_end();
  constexpr std::chrono::milliseconds grace(3000);  // a driver may take its time; whoever ends later is killed
  child_.finish(grace);
}

void WorkerModel::begin_to_end() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ending_, true)) return;
  try {
    send(FrameKind::end, {});
  } catch (const DeviceFailure&) {
    return;  // it has ended
  }
}

ChildProcess::Deadline WorkerModel::deadline() const { return {std::chrono::steady_clock::now() + silence_, {}}; }

void WorkerModel::lost(const std::string& reason) {
  child_.ended();
  log_info("worker.lost", {{"device", label_}, {"reason", reason}});
  throw DeviceFailure("its process " + reason);
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
    FrameHeader header;
    child_.receive(std::as_writable_bytes(std::span(&header, 1)), deadline());
    if (header.magic != magic || header.bytes > max_frame_bytes) lost("does not talk as Lectern does");
    Frame frame{header.kind, {}};
    frame.bytes.resize(static_cast<size_t>(header.bytes));
    child_.receive(frame.bytes, deadline());
    return frame;
  } catch (const ChildProcess::Lost& gone) {
    lost(gone.reason);
  }
}

// Of the frame that was expected, or throws what the other end failed with.
Frame WorkerModel::answer(FrameKind expected) {
  Frame frame = receive();
  if (frame.kind == FrameKind::failed) std::rethrow_exception(exception_of(from_bytes<Failure>(frame.bytes)));
  if (frame.kind != expected) lost("answers what was not asked");
  return frame;
}

const ModelFacts& WorkerModel::facts() {
  const std::lock_guard lock(mutex_);
  if (loaded_) return facts_;
  facts_ = from_bytes<ModelFacts>(answer(FrameKind::loaded).bytes);
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
  if (frame.kind == FrameKind::failed) std::rethrow_exception(exception_of(from_bytes<Failure>(frame.bytes)));
  if (frame.kind != FrameKind::reader_made) lost("answers what was not asked");
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
