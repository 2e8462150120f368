#include "fake_cann/runtime/stream.h"

#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

constexpr size_t max_streams = 1984;  // of an A2 device
constexpr size_t max_tasks = 1792;    // of a stream
thread_local bool saturate_now = false;

// Holding the device's execution mutex.
bool work_once_exclusively(const std::shared_ptr<Stream>& stream, uint64_t until) {
  Task task;
  std::shared_ptr<Device> device;
  {
    const Lock held(global_mutex());
    if (stream->done >= until) return true;
    device = device_of(held, stream->device);
    task = std::move(stream->queue.front());
    // It stays in the queue while it runs, for those who check what memory is in use.
    stream->queue.front() = {task.name, task.ranges, {}, {}, task.sequence, {}};
  }
  if (task.wait) {
    while (!work_once_exclusively(task.wait->stream, task.wait->sequence)) {
    }
  }
  bool healthy = false;
  {
    const Lock held(global_mutex());
    healthy = device->error == 0;
  }
  if (healthy) {
    try {
      if (hold(stream->device)) {
        count(FAKE_CANN_EXECUTE, stream->device);
        saturate_now = stream->saturate;
        task.run();
      }
    } catch (const Failure& failure) {
      const Lock held(global_mutex());
      device->error = failure.code;
      device->message = "asynchronous error of " + task.name + ": " + failure.message;
    }
    saturate_now = false;
  }
  const Lock held(global_mutex());
  stream->done = std::max(task.sequence, stream->dropped);
  if (!stream->queue.empty()) stream->queue.pop_front();
  return stream->done >= until;
}

std::vector<std::shared_ptr<Stream>> all_streams() {
  std::vector<std::shared_ptr<Stream>> streams;
  for (const auto& [id, context] : machine().contexts) streams.push_back(context->default_stream);
  for (const auto& [handle, stream] : machine().streams.all()) streams.push_back(stream);
  return streams;
}

// Two pieces of work that may run at once must not touch the same memory, unless both only read.
void check_apart(const Task& task, const Task& pending) {
  for (const Range& theirs : pending.ranges) {
    for (const Range& ours : task.ranges) {
      if (!ours.conflicts(theirs)) continue;
      misuse(runtime_parameter, task.name + " uses " + ours.name + " while " + pending.name +
                                    " on another stream uses it as " + theirs.name + ", with no event between");
    }
  }
}

aclError create(aclrtStream* out) {
  return entry([&] {
    need_initialised();
    if (out == nullptr) fail(invalid_parameter, "aclrtCreateStream: the pointer is null");
    *out = nullptr;
    const int32_t device = current_device();
    count(FAKE_CANN_CREATE_STREAM, device);
    const Lock held(global_mutex());
    const std::shared_ptr<Context> context = current_context(held);
    check_device_error(held, device);
    check_streams_left(held, device, 1, "aclrtCreateStream");
    auto made = std::make_shared<Stream>();
    made->id = machine().next_stream++;
    made->context = context->default_stream->context;
    made->device = device;
    made->saturate = device_of(held, device)->saturate;
    *out = machine().streams.add(std::move(made));
  });
}

aclError destroy(aclrtStream handle, bool forced) {
  return entry([&] {
    need_initialised();
    if (handle == nullptr) fail(runtime_parameter, "aclrtDestroyStream: the stream is null");
    const Lock held(global_mutex());
    const std::shared_ptr<Stream> stream = stream_of(held, handle);
    if (stream->capture) misuse(stream_captured, "aclrtDestroyStream: the stream is captured");
    if (!forced && !stream->queue.empty() && device_of(held, stream->device)->error == 0) {
      violate("aclrtDestroyStream: " + std::to_string(stream->queue.size()) +
              " pieces of work are not done; synchronise first");
    }
    stream->queue.clear();
    stream->done = stream->submitted;
    machine().streams.remove(handle, runtime_parameter, "aclrtDestroyStream");
  });
}

aclError synchronise(aclrtStream handle, int32_t timeout_milliseconds) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_SYNCHRONIZE, device);
    std::shared_ptr<Stream> stream;
    uint64_t until = 0;
    {
      const Lock held(global_mutex());
      stream = stream_of(held, handle);
      check_wait_in_capture(held, device, stream.get(), "aclrtSynchronizeStream");
      until = stream->submitted;
      if (stream->done < until) count_wait();
    }
    if (timeout_milliseconds < 0) return drain(stream, until);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_milliseconds);
    while (!work_once(stream, until)) {
      if (std::chrono::steady_clock::now() > end) fail(stream_timeout, "aclrtSynchronizeStreamWithTimeout: timed out");
    }
    drain(stream, until);
  });
}

// Work that waits is dropped; what runs ends as it can, and what it was for is not said to have failed.
aclError abort(aclrtStream handle) {
  return entry([&] {
    need_initialised();
    int32_t device = 0;
    {
      const Lock held(global_mutex());
      const std::shared_ptr<Stream> stream = stream_of(held, handle);
      if (stream->capture) misuse(stream_captured, "aclrtStreamAbort: the stream is captured");
      device = stream->device;
      const bool runs = !stream->queue.empty() && !stream->queue.front().run;
      stream->queue.resize(runs ? 1 : 0);
      stream->dropped = stream->submitted;
      if (!runs) stream->done = stream->submitted;
    }
    end_hanging(device);
    for (const Part& part : parts()) {
      if (part.stream_aborted != nullptr) part.stream_aborted(device);
    }
  });
}

}  // namespace

Machine& machine() {
  static auto* const instance = new Machine;
  return *instance;
}

void check_streams_left(const Lock& held, int32_t device, size_t more, const char* what) {
  size_t streams = streams_of_graphs(held, device);
  for (const auto& [handle, stream] : machine().streams.all()) streams += stream->device == device ? 1 : 0;
  if (streams + more > max_streams)
    fail(no_stream_resource, std::string(what) + ": a device has at most 1984 streams, those of graphs among them");
}

bool saturating() { return saturate_now; }

std::shared_ptr<Stream> stream_of(const Lock& held, aclrtStream handle) {
  const std::shared_ptr<Context> context = current_context(held);
  if (handle == nullptr) return context->default_stream;
  std::shared_ptr<Stream> stream = machine().streams.get(handle, invalid_handle, "a stream");
  if (stream->context != context->default_stream->context) {
    fail(stream_not_in_context, "the stream belongs to another context than this thread's");
  }
  return stream;
}

bool enqueue(const Lock& held, const std::shared_ptr<Stream>& stream, Task task) {
  check_device_error(held, stream->device);
  for (const Range& range : task.ranges) {
    if (is_device_memory(reinterpret_cast<const void*>(range.begin))) {  // NOLINT
      check_device_range(range, stream->device, task.name + ", " + range.name);
    }
  }
  if (stream->capture) {
    if (stream->capture->invalid) fail(capture_invalidated, task.name + ": the capture was disturbed");
    stream->capture->tasks.push_back(std::move(task));
    return true;
  }
  for (const std::shared_ptr<Stream>& other : all_streams()) {
    if (other == stream || other->queue.empty()) continue;
    const auto ordered = stream->after.find(other->id);
    const uint64_t before = ordered == stream->after.end() ? 0 : ordered->second;
    for (const Task& pending : other->queue) {
      if (pending.sequence > before) check_apart(task, pending);
    }
  }
  task.sequence = ++stream->submitted;
  stream->queue.push_back(std::move(task));
  return false;
}

void await_room(aclrtStream handle) {
  for (;;) {
    std::shared_ptr<Stream> stream;
    {
      const Lock held(global_mutex());
      stream = stream_of(held, handle);
      if (stream->queue.size() < max_tasks) return;
    }
    work_once(stream, stream->submitted);
  }
}

bool work_once(const std::shared_ptr<Stream>& stream, uint64_t until) {
  std::shared_ptr<Device> device;
  {
    const Lock held(global_mutex());
    device = device_of(held, stream->device);
  }
  const std::lock_guard running(device->execution);
  return work_once_exclusively(stream, until);
}

void drain(const std::shared_ptr<Stream>& stream, uint64_t until) {
  while (!work_once(stream, until)) {
  }
  const Lock held(global_mutex());
  check_device_error(held, stream->device);
}

void check_not_in_use(const Lock&, const Range& range, const std::string& what) {
  for (const std::shared_ptr<Stream>& stream : all_streams()) {
    for (const Task& pending : stream->queue) {
      for (const Range& theirs : pending.ranges) {
        if (!range.conflicts(theirs)) continue;
        misuse(runtime_parameter, what + ": " + pending.name + " has not yet run and uses this memory as " +
                                      theirs.name + "; synchronise first");
      }
    }
  }
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclrtCreateStream(aclrtStream* stream) { return create(stream); }
aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t, uint32_t flag) {
  if ((flag & ~(ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC)) != 0) {
    return entry([] { fail(runtime_parameter, "aclrtCreateStreamWithConfig: unknown flag"); });
  }
  return create(stream);
}
aclError aclrtDestroyStream(aclrtStream stream) { return destroy(stream, false); }
aclError aclrtDestroyStreamForce(aclrtStream stream) { return destroy(stream, true); }
aclError aclrtStreamAbort(aclrtStream stream) { return abort(stream); }
aclError aclrtSynchronizeStream(aclrtStream stream) { return synchronise(stream, -1); }
aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) { return synchronise(stream, timeout); }

aclError aclrtStreamQuery(aclrtStream handle, aclrtStreamStatus* status) {
  return entry([&] {
    need_initialised();
    if (status == nullptr) fail(invalid_parameter, "aclrtStreamQuery: the pointer is null");
    std::shared_ptr<Stream> stream;
    {
      const Lock held(global_mutex());
      stream = stream_of(held, handle);
      check_wait_in_capture(held, stream->device, stream.get(), "aclrtStreamQuery");
      check_device_error(held, stream->device);
    }
    // A query does a piece of work, so that whoever asks again and again sees the end.
    const bool idle = stream->done == stream->submitted;
    *status = idle ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    if (!idle) work_once(stream, stream->submitted);
  });
}

aclError aclrtSynchronizeDevice(void) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_SYNCHRONIZE, device);
    std::vector<std::shared_ptr<Stream>> streams;
    {
      const Lock held(global_mutex());
      for (const auto& stream : all_streams())
        check_wait_in_capture(held, device, stream.get(), "aclrtSynchronizeDevice");
      for (const auto& stream : all_streams()) {
        if (stream->device == device) streams.push_back(stream);
      }
    }
    for (const auto& stream : streams) drain(stream, stream->submitted);
    const Lock held(global_mutex());
    check_device_error(held, device);
  });
}

}  // extern "C"
