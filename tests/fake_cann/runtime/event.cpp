// Events: places in streams that other streams and the host can wait for.
#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

constexpr size_t max_events = 65536;  // of a device
constexpr uint32_t known_flags =
    ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE | ACL_EVENT_EXTERNAL;

aclError create(aclrtEvent* out, uint32_t flags, bool extended) {
  return entry([&] {
    need_initialised();
    if (out == nullptr) fail(invalid_parameter, "aclrtCreateEvent: the pointer is null");
    *out = nullptr;
    if (flags == 0 || (flags & ~known_flags) != 0) fail(runtime_parameter, "aclrtCreateEvent: unknown flag");
    count(FAKE_CANN_CREATE_EVENT, current_device());
    const Lock held(global_mutex());
    const std::shared_ptr<Context> context = current_context(held);
    check_device_error(held, context->device);
    if (machine().events.size() >= max_events) fail(no_event_resource, "aclrtCreateEvent: 65536 events exist");
    auto made = std::make_shared<Event>();
    made->context = context->default_stream->context;
    made->flags = flags;
    made->extended = extended;
    *out = machine().events.add(std::move(made));
  });
}

std::shared_ptr<Event> event_of(const Lock& held, aclrtEvent handle) {
  const std::shared_ptr<Context> context = current_context(held);
  std::shared_ptr<Event> event = machine().events.get(handle, invalid_handle, "an event");
  if (event->context != context->default_stream->context) {
    fail(stream_not_in_context, "the event belongs to another context than this thread's");
  }
  return event;
}

// The event's place, for a caller who is to wait for it.
Place place_of(const Event& event, const char* what) {
  if (!event.recorded) misuse(runtime_parameter, std::string(what) + ": the event was never recorded");
  return *event.recorded;
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclrtCreateEvent(aclrtEvent* event) { return create(event, known_flags, false); }
aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) { return create(event, flag, false); }
aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) { return create(event, flag, true); }

aclError aclrtDestroyEvent(aclrtEvent event) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    event_of(held, event);
    machine().events.remove(event, invalid_handle, "aclrtDestroyEvent");
  });
}

aclError aclrtRecordEvent(aclrtEvent handle, aclrtStream stream_handle) {
  return entry([&] {
    need_initialised();
    count(FAKE_CANN_EVENT, current_device());
    await_room(stream_handle);
    const Lock held(global_mutex());
    const std::shared_ptr<Event> event = event_of(held, handle);
    const std::shared_ptr<Stream> stream = stream_of(held, stream_handle);
    event->captured = enqueue(
        held, stream, {"aclrtRecordEvent", {}, [event] { event->time = std::chrono::steady_clock::now(); }, {}, 0, {}});
    event->recorded = Place{stream, stream->submitted, stream->after};
  });
}

aclError aclrtResetEvent(aclrtEvent handle, aclrtStream stream) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    const std::shared_ptr<Event> event = event_of(held, handle);
    stream_of(held, stream);
    if (event->extended) fail(feature_not_supported, "aclrtResetEvent: not for events of aclrtCreateEventExWithFlag");
    event->recorded.reset();
  });
}

aclError aclrtStreamWaitEvent(aclrtStream stream_handle, aclrtEvent handle) {
  return entry([&] {
    need_initialised();
    count(FAKE_CANN_EVENT, current_device());
    const Lock held(global_mutex());
    const std::shared_ptr<Event> event = event_of(held, handle);
    const std::shared_ptr<Stream> stream = stream_of(held, stream_handle);
    if ((event->flags & ACL_EVENT_SYNC) == 0) {
      fail(feature_not_supported, "aclrtStreamWaitEvent: the event was made without ACL_EVENT_SYNC");
    }
    Place place = place_of(*event, "aclrtStreamWaitEvent");
    if (event->captured || stream->capture)
      fail(feature_not_supported, "aclrtStreamWaitEvent: the fake captures one stream alone");
    enqueue(held, stream, {"aclrtStreamWaitEvent", {}, [] {}, place, 0, {}});
    const auto come_after = [&](uint64_t id, uint64_t sequence) {
      uint64_t& known = stream->after[id];
      known = std::max(known, sequence);
    };
    come_after(place.stream->id, place.sequence);
    for (const auto& [id, sequence] : place.after) come_after(id, sequence);
  });
}

aclError aclrtSynchronizeEvent(aclrtEvent event) { return aclrtSynchronizeEventWithTimeout(event, -1); }

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent handle, int32_t timeout) {
  return entry([&] {
    need_initialised();
    count(FAKE_CANN_SYNCHRONIZE, current_device());
    Place place;
    {
      const Lock held(global_mutex());
      const std::shared_ptr<Event> event = event_of(held, handle);
      if (event->captured) fail(event_captured, "aclrtSynchronizeEvent: the event is captured");
      place = place_of(*event, "aclrtSynchronizeEvent");
      check_wait_in_capture(held, place.stream->device, nullptr, "aclrtSynchronizeEvent");
      if (place.stream->done < place.sequence) count_wait();
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::max(timeout, 0));
    while (!work_once(place.stream, place.sequence)) {
      if (timeout >= 0 && std::chrono::steady_clock::now() > end) fail(507047, "aclrtSynchronizeEvent: timed out");
    }
    drain(place.stream, place.sequence);
  });
}

aclError aclrtQueryEventStatus(aclrtEvent handle, aclrtEventRecordedStatus* status) {
  return entry([&] {
    need_initialised();
    if (status == nullptr) fail(invalid_parameter, "aclrtQueryEventStatus: the pointer is null");
    std::optional<Place> place;
    {
      const Lock held(global_mutex());
      const std::shared_ptr<Event> event = event_of(held, handle);
      if (event->captured) fail(event_captured, "aclrtQueryEventStatus: the event is captured");
      place = event->recorded;
      if (place) check_wait_in_capture(held, place->stream->device, nullptr, "aclrtQueryEventStatus");
      if (place) check_device_error(held, place->stream->device);
    }
    const bool complete = place && place->stream->done >= place->sequence;
    *status = complete ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    if (place && !complete) work_once(place->stream, place->sequence);
  });
}

aclError aclrtEventElapsedTime(float* ms, aclrtEvent start, aclrtEvent end) {
  return entry([&] {
    need_initialised();
    if (ms == nullptr) fail(invalid_parameter, "aclrtEventElapsedTime: the pointer is null");
    const Lock held(global_mutex());
    const std::shared_ptr<Event> first = event_of(held, start);
    const std::shared_ptr<Event> last = event_of(held, end);
    for (const auto& event : {first, last}) {
      if ((event->flags & ACL_EVENT_TIME_LINE) == 0) {
        fail(runtime_parameter, "aclrtEventElapsedTime: an event was made without ACL_EVENT_TIME_LINE");
      }
      if (!event->recorded || event->recorded->stream->done < event->recorded->sequence) {
        fail(runtime_parameter, "aclrtEventElapsedTime: an event has not happened yet; synchronise first");
      }
    }
    *ms = std::chrono::duration<float, std::milli>(last->time - first->time).count();
  });
}

}  // extern "C"
