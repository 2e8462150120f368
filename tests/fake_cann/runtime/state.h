// What all parts of the fake share: errors, violations, injected failures, the profile of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "acl/acl.h"
#include "fake_cann.h"

namespace fake_cann {

// Codes of sections 1.5 and 2.4.
enum Code : int {
  invalid_parameter = 100000,
  not_initialised = 100001,
  initialised_twice = 100002,
  finalised_twice = 100037,
  runtime_parameter = 107000,
  device_invalid = 107001,
  no_context = 107002,
  stream_not_in_context = 107003,
  address_unaligned = 107008,
  invalid_handle = 107017,
  stream_captured = 107027,
  event_captured = 107028,
  stream_not_captured = 107029,
  capture_mode_unsupported = 107030,
  model_running = 107037,
  wrong_thread = 107038,
  null_operand = 161001,
  bad_operand = 161002,
  feature_not_supported = 207000,
  host_out_of_memory = 207001,
  device_out_of_memory = 207018,
  no_event_resource = 207007,
  no_stream_resource = 207008,
  runtime_call_failed = 361001,
  storage_over_limit = 300000,
  core_exception = 507015,
  stream_timeout = 507046,
  driver_internal = 507899,
  capture_invalidated = 507903,
  operator_internal = 561000,
  executor_null = 561103,
};

// Refuses a call: entry() turns it into the returned code and the thread's error message.
struct Failure {
  int code;
  std::string message;
};
[[noreturn]] void fail(int code, std::string message);

// A rule that a real device does not check, so that breaking it does harm later: noted for the test to find.
void violate(std::string text);
// Both at once.
[[noreturn]] void misuse(int code, std::string text);

// Devices that do so much work and then wait until so many others have failed.
struct Hold {
  std::set<int32_t> devices;
  uint64_t after = 0;
  size_t failures = 0;
};

// What this machine is said to be.
struct Profile {
  std::string version = "8.3.RC1";  // of the machine that Lectern was written for
  std::string soc = "Ascend910B2";
  uint32_t devices = 1;
  size_t memory = size_t{4} << 30;
  std::map<int32_t, size_t> memory_of;
  Hold hold;
  std::map<int32_t, uint64_t> kill_after;  // the process that uses the device dies after so much work
  std::set<std::string> absent;
  std::map<std::string, int> refused;
  bool old_driver = false;  // captures nothing
  bool arithmetic = true;   // else only shapes are checked, and costs counted
};
Profile profile();  // a copy
// Whether this version of the toolkit is `version` or a later one.
bool version_is_at_least(std::string_view version);
bool has_bf16();
bool is_310p();
bool computes();

// What the libraries above this one add.
struct Part {
  void (*profile_changed)() = nullptr;
  void (*forget)() = nullptr;
  std::string (*describe_leaks)() = nullptr;
  void (*stream_aborted)(int32_t device) = nullptr;  // what waits in it is to wait no longer
};
void add_part(const Part& part);
std::vector<Part> parts();

// Counts a call and throws the failure that a test has ordered for it.
void count(FakeCannCall call, int32_t device);
// Says that a call failed for a reason of the device's own.
void note_failure(int32_t device);
// Waits, or ends the process, if a test says so, before the device does a piece of work. False for work that hung until
// it was aborted.
bool hold(int32_t device);
void end_hanging(int32_t device);
void count_run(const std::string& operation);

void set_error_message(std::string text);

// The one lock of everything but the execution of work.
std::mutex& global_mutex();
using Lock = std::unique_lock<std::mutex>;

bool initialised();
void need_initialised();

// Runs the body of an entry point.
template <typename Body>
int entry(const Body& body) {
  try {
    body();
    return 0;
  } catch (const Failure& failure) {
    set_error_message(failure.message);
    return failure.code;
  } catch (const std::bad_alloc&) {
    set_error_message("the fake itself has no memory left");
    return host_out_of_memory;
  }
}

// Objects behind handles that are never given out twice, so that a stale handle is always recognised.
template <typename Object>
class Registry {
 public:
  Registry(const char* kind, uintptr_t first) : kind_(kind), first_(first), next_(first) {}

  void* add(std::shared_ptr<Object> object) {
    const uintptr_t handle = next_;
    next_ += 64;
    objects_.emplace(handle, std::move(object));
    return reinterpret_cast<void*>(handle);  // NOLINT: nothing lies behind it
  }
  std::shared_ptr<Object> find(const void* handle) const {
    const auto at = objects_.find(reinterpret_cast<uintptr_t>(handle));
    return at == objects_.end() ? nullptr : at->second;
  }
  std::shared_ptr<Object> get(const void* handle, int code, const char* what) const {
    if (auto object = find(handle)) return object;
    misuse(code, std::string(what) + ": " + describe(handle));
  }
  std::shared_ptr<Object> remove(const void* handle, int code, const char* what) {
    auto object = get(handle, code, what);
    objects_.erase(reinterpret_cast<uintptr_t>(handle));
    return object;
  }
  void clear() { objects_.clear(); }
  const std::map<uintptr_t, std::shared_ptr<Object>>& all() const { return objects_; }
  size_t size() const { return objects_.size(); }

 private:
  std::string describe(const void* handle) const {
    const auto value = reinterpret_cast<uintptr_t>(handle);
    if (value >= first_ && value < next_) return std::string("this ") + kind_ + " was destroyed before";
    return std::string("this is no ") + kind_;
  }
  const char* kind_;
  uintptr_t first_, next_;
  std::map<uintptr_t, std::shared_ptr<Object>> objects_;
};

}  // namespace fake_cann
