// A model in a process of its own, on one device: what crashes, hangs or is killed there takes its pages' reader away,
// and no more. This is the side that starts the process and reads through it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/system/child_process.h"
#include "reading/page_reader.h"
#include "reading/worker/protocol.h"

namespace lectern {

class WorkerModel : public std::enable_shared_from_this<WorkerModel> {
 public:
  // Starts a process of `program` for a device that messages call `label`. One that is silent for `silence` while it
  // has something to do is lost. Throws Error where there is no such program.
  WorkerModel(const std::filesystem::path& program, std::string label, const worker::LoadRequest& request,
              std::chrono::seconds silence);
  WorkerModel(const WorkerModel&) = delete;
  WorkerModel& operator=(const WorkerModel&) = delete;
  ~WorkerModel();  // ends the process

  const std::string& label() const { return label_; }
  pid_t process() const { return child_.process(); }

  // Waits until the model is loaded. Throws what loading threw, and Error where the process ended over it.
  const worker::ModelFacts& facts();

  // Reads with the model, one reader at a time; it keeps the model. Any thread may make it, and one thread uses it.
  // Throws what making it threw there; DeviceFailure where the process is gone.
  std::unique_ptr<PageReader> make_reader(const ReadOptions& options, int batch);

  // Asks the process to end, so that several do at a time; the destructor waits for it.
  void begin_to_end();

  // For its readers. Throw DeviceFailure where the process is gone, silent or talks nonsense, and always for the first
  // reason.
  void send(worker::FrameKind kind, const std::vector<std::byte>& bytes);
  worker::Frame receive();
  [[noreturn]] void lost(const std::string& reason);  // ends the process
  template <typename Value>
  Value value_of(const worker::Frame& frame);
  bool is_gone() const { return child_.has_hung_up(); }
  void reader_ended();

 private:
  ChildProcess::Deadline deadline() const;
  worker::Frame as(worker::FrameKind expected, worker::Frame frame);

  const std::string label_;
  const std::chrono::seconds silence_;
  ChildProcess child_;
  std::mutex mutex_;  // of the following, and of the talk before a reader is made
  bool loaded_ = false;
  std::optional<std::chrono::steady_clock::time_point> ends_by_;  // when it was asked to end; later it is killed
  bool has_reader_ = false;
  worker::ModelFacts facts_;
  std::string lost_;  // why
};

}  // namespace lectern
