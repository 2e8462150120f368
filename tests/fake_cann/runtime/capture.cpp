#include "fake_cann/runtime/capture.h"

#include "fake_cann/runtime/ledger.h"

namespace fake_cann {
namespace {

constexpr size_t max_tasks = 1792;  // of a stream
thread_local aclmdlRICaptureMode thread_mode = ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;

// Calls visit(stream) for every stream of the device that is being captured.
template <typename Visit>
void for_each_captured(int32_t device, const Visit& visit) {
  for (const auto& [handle, stream] : machine().streams.all()) {
    if (stream->device == device && stream->capture) visit(*stream);
  }
}

std::shared_ptr<Graph> graph_of(aclmdlRI handle, const char* what) {
  return machine().graphs.get(handle, runtime_parameter, what);
}

}  // namespace

size_t Graph::streams() const { return std::max<size_t>(1, (tasks.size() + max_tasks - 1) / max_tasks); }

size_t streams_of_graphs(const Lock&, int32_t device) {
  size_t sum = 0;
  for (const auto& [handle, graph] : machine().graphs.all()) sum += graph->device == device ? graph->streams() : 0;
  return sum;
}

void check_wait_in_capture(const Lock&, int32_t device, const Stream* stream, const char* what) {
  bool forbidden = false;
  for_each_captured(device, [&](Stream& captured) {
    const bool own = captured.capture->thread == std::this_thread::get_id();
    if (!own && stream != &captured) return;
    captured.capture->invalid = true;
    forbidden = true;
  });
  if (forbidden) fail(stream_captured, std::string(what) + ": not while a stream is captured");
}

void check_unsafe_in_capture(const Lock&, int32_t device, const char* what) {
  bool forbidden = false;
  for_each_captured(device, [&](Stream& captured) {
    const Capture& capture = *captured.capture;
    if (capture.mode == ACL_MODEL_RI_CAPTURE_MODE_RELAXED || thread_mode == ACL_MODEL_RI_CAPTURE_MODE_RELAXED) return;
    const bool own = capture.thread == std::this_thread::get_id();
    const bool all =
        capture.mode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL && thread_mode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;
    if (!own && !all) return;
    captured.capture->invalid = true;
    forbidden = true;
  });
  if (forbidden) fail(capture_mode_unsupported, std::string(what) + ": not while a stream is captured");
}

void spoil_capture(const Lock&, aclrtStream handle) {
  const std::shared_ptr<Stream> stream = machine().streams.find(handle);
  if (stream != nullptr && stream->capture) stream->capture->invalid = true;
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclmdlRICaptureBegin(aclrtStream handle, aclmdlRICaptureMode mode) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_CAPTURE, device);
    const Lock held(global_mutex());
    const std::shared_ptr<Stream> stream = stream_of(held, handle);
    check_device_error(held, device);
    if (stream->is_default) fail(runtime_parameter, "aclmdlRICaptureBegin: not on the default stream");
    if (mode < ACL_MODEL_RI_CAPTURE_MODE_GLOBAL || mode > ACL_MODEL_RI_CAPTURE_MODE_RELAXED)
      fail(runtime_parameter, "aclmdlRICaptureBegin: unknown mode");
    if (profile().old_driver || is_310p())
      fail(feature_not_supported, "aclmdlRICaptureBegin: the driver or the chip cannot capture");
    if (stream->capture) fail(stream_captured, "aclmdlRICaptureBegin: the stream is captured already");
    stream->capture = std::make_shared<Capture>();
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
  });
}

aclError aclmdlRICaptureGetInfo(aclrtStream handle, aclmdlRICaptureStatus* status, aclmdlRI* modelRI) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    const std::shared_ptr<Stream> stream = stream_of(held, handle);
    if (status == nullptr) fail(runtime_parameter, "aclmdlRICaptureGetInfo: the pointer is null");
    *status = !stream->capture           ? ACL_MODEL_RI_CAPTURE_STATUS_NONE
              : stream->capture->invalid ? ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED
                                         : ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE;
    if (modelRI != nullptr) *modelRI = nullptr;  // the real one names the graph to be
  });
}

aclError aclmdlRICaptureEnd(aclrtStream handle, aclmdlRI* modelRI) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    if (modelRI == nullptr) fail(runtime_parameter, "aclmdlRICaptureEnd: the pointer is null");
    *modelRI = nullptr;
    std::shared_ptr<Capture> capture;
    {
      const Lock held(global_mutex());
      const std::shared_ptr<Stream> stream = stream_of(held, handle);
      if (!stream->capture) fail(stream_not_captured, "aclmdlRICaptureEnd: the stream is not captured");
      if (stream->capture->mode != ACL_MODEL_RI_CAPTURE_MODE_RELAXED &&
          stream->capture->thread != std::this_thread::get_id())
        fail(wrong_thread, "aclmdlRICaptureEnd: another thread began it");
      capture = std::move(stream->capture);
      stream->capture = nullptr;
    }
    count(FAKE_CANN_CAPTURE_END, device);
    const Lock held(global_mutex());
    if (capture->invalid) fail(capture_invalidated, "aclmdlRICaptureEnd: something disturbed the capture");
    auto graph = std::make_shared<Graph>();
    graph->device = device;
    graph->tasks = std::move(capture->tasks);
    check_streams_left(held, device, graph->streams(), "aclmdlRICaptureEnd");
    *modelRI = machine().graphs.add(std::move(graph));
  });
}

aclError aclmdlRICaptureThreadExchangeMode(aclmdlRICaptureMode* mode) {
  return entry([&] {
    need_initialised();
    if (mode == nullptr) fail(runtime_parameter, "aclmdlRICaptureThreadExchangeMode: the pointer is null");
    std::swap(*mode, thread_mode);
  });
}

aclError aclmdlRIExecuteAsync(aclmdlRI modelRI, aclrtStream handle) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_REPLAY, device);
    await_room(handle);
    const Lock held(global_mutex());
    const std::shared_ptr<Graph> graph = graph_of(modelRI, "aclmdlRIExecuteAsync");
    const std::shared_ptr<Stream> stream = stream_of(held, handle);
    if (graph->device != device) misuse(runtime_parameter, "aclmdlRIExecuteAsync: a graph of another device");
    if (stream->capture) fail(stream_captured, "aclmdlRIExecuteAsync: within a capture");
    Task replay{"aclmdlRIExecuteAsync", {}, {}, {}, 0, {}};
    for (const Task& task : graph->tasks) {
      for (Range range : task.ranges) {
        range.name = task.name + "'s " + range.name;
        replay.ranges.push_back(std::move(range));
      }
    }
    replay.run = [graph, device] {
      for (const Task& task : graph->tasks) {
        count(FAKE_CANN_EXECUTE, device);
        task.run();
      }
    };
    enqueue(held, stream, std::move(replay));
    graph->stream = stream;
    graph->sequence = stream->submitted;
    count_replay(graph->tasks);
  });
}

aclError aclmdlRIDestroy(aclmdlRI modelRI) {
  return entry([&] {
    need_initialised();
    current_device();
    const Lock held(global_mutex());
    const std::shared_ptr<Graph> graph = graph_of(modelRI, "aclmdlRIDestroy");
    if (graph->stream && graph->stream->done < graph->sequence && device_of(held, graph->device)->error == 0)
      misuse(model_running, "aclmdlRIDestroy: a replay is not done; synchronise first");
    machine().graphs.remove(modelRI, runtime_parameter, "aclmdlRIDestroy");
  });
}

}  // extern "C"
