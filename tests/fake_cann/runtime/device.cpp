// Devices and contexts: every thread sets its own.
#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

thread_local uint64_t thread_context = 0;
thread_local int32_t device_of_thread = -1;

void check_device_id(int32_t device, const char* what) {
  if (device < 0 || static_cast<uint32_t>(device) >= profile().devices) {
    fail(device_invalid, std::string(what) + ": there is no device " + std::to_string(device));
  }
}

uint64_t create_context(const Lock& held, int32_t device) {
  auto made = std::make_shared<Context>();
  made->device = device;
  made->default_stream = std::make_shared<Stream>();
  made->default_stream->id = machine().next_stream++;
  made->default_stream->device = device;
  made->default_stream->is_default = true;
  made->default_stream->saturate = device_of(held, device)->saturate;
  const uint64_t id = machine().next_context++;
  made->default_stream->context = id;
  machine().contexts[id] = std::move(made);
  return id;
}

void destroy_context(uint64_t id, const char* what) {
  size_t streams = 0, events = 0;
  for (const auto& [handle, stream] : machine().streams.all()) streams += stream->context == id ? 1 : 0;
  for (const auto& [handle, event] : machine().events.all()) events += event->context == id ? 1 : 0;
  if (streams + events > 0) {
    violate(std::string(what) + ": " + std::to_string(streams) + " streams and " + std::to_string(events) +
            " events of this context still exist; destroy them first");
  }
  machine().contexts.erase(id);
}

aclError reset(int32_t device, bool forced) {
  return entry([&] {
    need_initialised();
    check_device_id(device, "aclrtResetDevice");
    const Lock held(global_mutex());
    const std::shared_ptr<Device> found = device_of(held, device);
    if (found->references == 0) fail(device_invalid, "aclrtResetDevice: no aclrtSetDevice goes with it");
    found->references = forced ? 0 : found->references - 1;
    if (found->references > 0) return;
    destroy_context(found->default_context, "aclrtResetDevice");
    found->default_context = 0;
    found->was_reset = true;
    found->error = 0;
    found->message.clear();
  });
}

void* handle_of(uint64_t context) { return reinterpret_cast<void*>(0x5000'0000'0000 + context * 64); }  // NOLINT
uint64_t context_of(const void* handle) { return (reinterpret_cast<uintptr_t>(handle) - 0x5000'0000'0000) / 64; }

}  // namespace

std::shared_ptr<Device> device_of(const Lock&, int32_t device) {
  std::shared_ptr<Device>& found = machine().devices[device];
  if (found == nullptr) found = std::make_shared<Device>();
  return found;
}

std::shared_ptr<Context> current_context(const Lock&) {
  const auto at = machine().contexts.find(thread_context);
  if (at == machine().contexts.end()) {
    fail(no_context, "this thread has set no device (aclrtSetDevice), or it was reset");
  }
  return at->second;
}

int32_t current_device() {
  const Lock held(global_mutex());
  return current_context(held)->device;
}

void check_device_error(const Lock& held, int32_t device) {
  const std::shared_ptr<Device> found = device_of(held, device);
  if (found->error != 0) fail(found->error, found->message);
}

int32_t thread_device() { return device_of_thread; }

void forget_thread_context() {
  thread_context = 0;
  device_of_thread = -1;
}

void forget_machine(const Lock&) {
  machine().devices.clear();
  machine().contexts.clear();
  machine().streams.clear();
  machine().events.clear();
  machine().graphs.clear();
}

std::string describe_machine_leaks() {
  std::string text;
  size_t contexts = machine().contexts.size();
  for (const auto& [id, device] : machine().devices) contexts -= device->default_context != 0 ? 1 : 0;
  if (contexts > 0) text += std::to_string(contexts) + " contexts\n";
  if (machine().streams.size() > 0) text += std::to_string(machine().streams.size()) + " streams\n";
  if (machine().events.size() > 0) text += std::to_string(machine().events.size()) + " events\n";
  if (machine().graphs.size() > 0) text += std::to_string(machine().graphs.size()) + " graphs\n";
  return text;
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclrtSetDevice(int32_t deviceId) {
  return entry([&] {
    need_initialised();
    check_device_id(deviceId, "aclrtSetDevice");
    count(FAKE_CANN_SET_DEVICE, deviceId);
    const Lock held(global_mutex());
    const std::shared_ptr<Device> device = device_of(held, deviceId);
    if (device->references++ == 0) {
      if (device->was_reset) violate("aclrtSetDevice after aclrtResetDevice: kernels loaded before may be gone");
      device->was_reset = false;
      device->default_context = create_context(held, deviceId);
    }
    thread_context = device->default_context;
    device_of_thread = deviceId;
  });
}

aclError aclrtResetDevice(int32_t deviceId) { return reset(deviceId, false); }
aclError aclrtResetDeviceForce(int32_t deviceId) { return reset(deviceId, true); }

aclError aclrtGetDevice(int32_t* deviceId) {
  return entry([&] {
    need_initialised();
    if (deviceId == nullptr) fail(invalid_parameter, "aclrtGetDevice: the pointer is null");
    *deviceId = current_device();
  });
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  return entry([&] {
    need_initialised();
    if (count == nullptr) fail(invalid_parameter, "aclrtGetDeviceCount: the pointer is null");
    *count = profile().devices;
  });
}

aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return entry([&] {
    need_initialised();
    if (context == nullptr) fail(invalid_parameter, "aclrtCreateContext: the pointer is null");
    check_device_id(deviceId, "aclrtCreateContext");
    count(FAKE_CANN_SET_DEVICE, deviceId);
    const Lock held(global_mutex());
    thread_context = create_context(held, deviceId);
    device_of_thread = deviceId;
    *context = handle_of(thread_context);
  });
}

aclError aclrtDestroyContext(aclrtContext context) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    const uint64_t id = context_of(context);
    if (!machine().contexts.contains(id)) misuse(runtime_parameter, "aclrtDestroyContext: there is no such context");
    for (const auto& [number, device] : machine().devices) {
      if (device->default_context == id) fail(runtime_parameter, "aclrtDestroyContext: a default context");
    }
    destroy_context(id, "aclrtDestroyContext");
  });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    const uint64_t id = context_of(context);
    const auto at = machine().contexts.find(id);
    if (at == machine().contexts.end()) fail(runtime_parameter, "aclrtSetCurrentContext: there is no such context");
    count(FAKE_CANN_SET_DEVICE, at->second->device);
    thread_context = id;
    device_of_thread = at->second->device;
  });
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  return entry([&] {
    need_initialised();
    if (context == nullptr) fail(invalid_parameter, "aclrtGetCurrentContext: the pointer is null");
    const Lock held(global_mutex());
    current_context(held);
    *context = handle_of(thread_context);
  });
}

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
  return entry([&] {
    need_initialised();
    const Lock held(global_mutex());
    if (mode != ACL_RT_OVERFLOW_MODE_SATURATION && mode != ACL_RT_OVERFLOW_MODE_INFNAN) {
      fail(runtime_parameter, "aclrtSetDeviceSatMode: unknown mode");
    }
    device_of(held, current_context(held)->device)->saturate = mode == ACL_RT_OVERFLOW_MODE_SATURATION;
  });
}

aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
  return entry([&] {
    need_initialised();
    if (canAccessPeer == nullptr) fail(invalid_parameter, "aclrtDeviceCanAccessPeer: the pointer is null");
    check_device_id(deviceId, "aclrtDeviceCanAccessPeer");
    check_device_id(peerDeviceId, "aclrtDeviceCanAccessPeer");
    *canAccessPeer = 0;
  });
}

aclError aclrtDeviceEnablePeerAccess(int32_t, uint32_t) {
  return entry([] { fail(feature_not_supported, "the fake's devices do not see each other's memory"); });
}

const char* fake_cann_leaks() {
  thread_local std::string text;
  const Lock held(global_mutex());
  text = describe_memory_leaks() + describe_machine_leaks();
  for (const Part& part : parts()) {
    if (part.describe_leaks != nullptr) text += part.describe_leaks();
  }
  return text.c_str();
}

}  // extern "C"
