#include "fake_cann/runtime/state.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "fake_cann/runtime/ledger.h"
#include "fake_cann/runtime/memory.h"
#include "fake_cann/runtime/stream.h"

namespace fake_cann {
namespace {

struct Order {
  int32_t device;
  FakeCannCall call;
  uint64_t left;
  int code;
};

constexpr std::array<const char*, FAKE_CANN_CALLS> call_names = {
    "any",    "init",    "set_device", "create_stream", "create_event", "event",   "malloc",  "malloc_host", "copy",
    "object", "prepare", "repeat",     "launch",        "synchronize",  "execute", "capture", "capture_end", "replay",
};
constexpr std::array<int, FAKE_CANN_CALLS> usual_codes = {
    driver_internal,    driver_internal,      driver_internal,     no_stream_resource, no_event_resource,
    driver_internal,    device_out_of_memory, host_out_of_memory,  driver_internal,    null_operand,
    operator_internal,  operator_internal,    runtime_call_failed, driver_internal,    core_exception,
    no_stream_resource, capture_invalidated,  driver_internal,
};

struct State {
  std::mutex small;  // of everything in here; nothing else is locked under it
  Profile profile;
  std::vector<Part> parts;
  std::vector<Order> orders;
  std::map<std::pair<int32_t, FakeCannCall>, uint64_t> calls;
  std::map<std::string, uint64_t> runs;
  std::vector<std::string> violations;
  std::set<int32_t> failed;         // devices of which a call or a piece of work failed
  std::set<int32_t> hanging;        // devices whose next piece of work does not end
  std::condition_variable failing;  // one more failed, or hangs no longer
  bool strict = false;
  bool initialised = false;
  bool finalised = false;
};

Profile profile_of_environment();

State& state() {
  static State* const instance = [] {  // never destroyed: threads may still call at the end of the process
    auto* made = new State;
    made->profile = profile_of_environment();
    made->strict = std::getenv("FAKE_CANN_STRICT") != nullptr;
    return made;
  }();
  return *instance;
}

std::vector<std::string> split(const char* text, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(text == nullptr ? "" : text);
  for (std::string part; std::getline(stream, part, at);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

Profile profile_of_environment() {
  Profile made;
  if (const char* text = std::getenv("FAKE_CANN_VERSION")) made.version = text;
  if (const char* text = std::getenv("FAKE_CANN_SOC")) made.soc = text;
  if (const char* text = std::getenv("FAKE_CANN_DEVICES")) made.devices = static_cast<uint32_t>(std::atoi(text));
  if (const char* text = std::getenv("FAKE_CANN_MEMORY")) made.memory = std::strtoull(text, nullptr, 10);
  const auto of_devices = [](const char* variable, const auto& set) {
    for (const std::string& entry : split(std::getenv(variable), ',')) {
      const size_t colon = entry.find(':');
      if (colon != std::string::npos) set(std::atoi(entry.c_str()), std::strtoull(&entry[colon + 1], nullptr, 10));
    }
  };
  of_devices("FAKE_CANN_MEMORY_OF", [&](int32_t device, size_t bytes) { made.memory_of[device] = bytes; });
  of_devices("FAKE_CANN_KILL", [&](int32_t device, size_t work) { made.kill_after[device] = work; });
  if (const char* text = std::getenv("FAKE_CANN_HOLD")) {
    const std::vector<std::string> parts = split(text, ':');
    for (const std::string& device : split(parts.at(0).c_str(), ',')) made.hold.devices.insert(std::stoi(device));
    made.hold.after = std::stoull(parts.at(1));
    made.hold.failures = std::stoull(parts.at(2));
  }
  made.arithmetic = std::getenv("FAKE_CANN_SHAPES") == nullptr;
  made.old_driver = std::getenv("FAKE_CANN_OLD_DRIVER") != nullptr;
  for (const std::string& name : split(std::getenv("FAKE_CANN_ABSENT"), ',')) made.absent.insert(name);
  for (const std::string& entry : split(std::getenv("FAKE_CANN_REFUSING"), ',')) {
    const size_t colon = entry.find(':');
    if (colon != std::string::npos) made.refused[entry.substr(0, colon)] = std::atoi(entry.c_str() + colon + 1);
  }
  return made;
}

void order_failures_of_environment() {
  for (const std::string& entry : split(std::getenv("FAKE_CANN_FAIL"), ',')) {
    const size_t colon = entry.find(':');
    const size_t at = entry.find('@');
    if (colon == std::string::npos) continue;
    for (int call = 0; call < FAKE_CANN_CALLS; ++call) {
      if (entry.substr(0, colon) != call_names[static_cast<size_t>(call)]) continue;
      fake_cann_fail(at == std::string::npos ? FAKE_CANN_ANY_DEVICE : std::atoi(entry.c_str() + at + 1),
                     static_cast<FakeCannCall>(call), std::strtoull(entry.c_str() + colon + 1, nullptr, 10), 0);
    }
  }
}

[[gnu::constructor]] void start() {
  order_failures_of_environment();
  if (std::getenv("FAKE_CANN_STRICT") == nullptr) return;
  std::atexit([] {
    const std::string leaks = fake_cann_leaks();
    if (leaks.empty()) return;
    std::fprintf(stderr, "fake_cann: at the end of the process there still are\n%s", leaks.c_str());
    std::_Exit(86);
  });
}

thread_local std::string error_message;
thread_local std::string error_message_read;

// 8.1.RC1 < 8.1.RC2 < 8.1.0 < 8.2.RC1
std::array<int, 3> parsed(std::string_view version) {
  std::array<int, 3> parts = {0, 0, 0};
  const std::vector<std::string> words = split(std::string(version).c_str(), '.');
  for (size_t i = 0; i < words.size() && i < 3; ++i) {
    const bool candidate = words[i].starts_with("RC");
    parts[i] = candidate ? std::atoi(words[i].c_str() + 2) : std::atoi(words[i].c_str()) + (i == 2 ? 100 : 0);
  }
  return parts;
}

template <typename Change>
void change_profile(const Change& change) {
  {
    const std::lock_guard held(state().small);
    change(state().profile);
  }
  for (const Part& part : parts()) {
    if (part.profile_changed != nullptr) part.profile_changed();
  }
}

}  // namespace

void fail(int code, std::string message) { throw Failure{code, std::move(message)}; }

void violate(std::string text) {
  std::fprintf(stderr, "fake_cann: %s\n", text.c_str());
  const std::lock_guard held(state().small);
  if (state().strict) std::abort();
  state().violations.push_back(std::move(text));
}

void misuse(int code, std::string text) {
  violate(text);
  fail(code, std::move(text));
}

Profile profile() {
  const std::lock_guard held(state().small);
  return state().profile;
}

bool version_is_at_least(std::string_view version) { return parsed(profile().version) >= parsed(version); }

bool has_bf16() { return !profile().soc.starts_with("Ascend310"); }

bool is_310p() { return profile().soc.starts_with("Ascend310P"); }

bool computes() {
  const std::lock_guard held(state().small);
  return state().profile.arithmetic;
}

void add_part(const Part& part) {
  const std::lock_guard held(state().small);
  state().parts.push_back(part);
}

std::vector<Part> parts() {
  const std::lock_guard held(state().small);
  return state().parts;
}

void count(FakeCannCall call, int32_t device) {
  const std::lock_guard held(state().small);
  for (const FakeCannCall kind : {call, FAKE_CANN_ANY}) {
    ++state().calls[{FAKE_CANN_ANY_DEVICE, kind}];
    if (device >= 0) ++state().calls[{device, kind}];
  }
  int code = 0;
  for (Order& order : state().orders) {
    const bool meant = (order.device == FAKE_CANN_ANY_DEVICE || order.device == device) &&
                       (order.call == FAKE_CANN_ANY || order.call == call);
    if (meant && order.left > 0 && --order.left == 0) {
      code = order.code != 0 ? order.code : usual_codes[static_cast<size_t>(call)];
    }
  }
  std::erase_if(state().orders, [](const Order& order) { return order.left == 0; });
  if (code == 0) return;
  state().failed.insert(device);
  state().failing.notify_all();
  fail(code, std::string("a failure ordered by a test: ") + call_names[static_cast<size_t>(call)]);
}

void note_failure(int32_t device) {
  const std::lock_guard held(state().small);
  state().failed.insert(device);
  state().failing.notify_all();
}

bool hold(int32_t device) {
  std::unique_lock held(state().small);
  const Profile& profile = state().profile;
  if (const auto kill = profile.kill_after.find(device);
      kill != profile.kill_after.end() && state().calls[{device, FAKE_CANN_EXECUTE}] >= kill->second)
    std::raise(SIGKILL);
  const Hold hold = profile.hold;
  if (hold.devices.contains(device) && state().calls[{device, FAKE_CANN_EXECUTE}] >= hold.after)
    state().failing.wait(held, [&] { return state().failed.size() >= hold.failures; });
  if (!state().hanging.contains(device)) return true;
  state().failing.wait(held, [&] { return !state().hanging.contains(device); });
  return false;
}

void end_hanging(int32_t device) {
  const std::lock_guard held(state().small);
  if (state().hanging.erase(device) > 0) state().failing.notify_all();
}

void count_run(const std::string& operation) {
  const std::lock_guard held(state().small);
  ++state().runs[operation];
}

void set_error_message(std::string text) { error_message = std::move(text); }

std::mutex& global_mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

bool initialised() {
  const std::lock_guard held(state().small);
  return state().initialised;
}

void need_initialised() {
  if (!initialised()) fail(not_initialised, "aclInit was not called, or aclFinalize was");
}

}  // namespace fake_cann

using fake_cann::state;

extern "C" {

aclError aclInit(const char*) {
  return fake_cann::entry([] {
    fake_cann::count(FAKE_CANN_INIT, FAKE_CANN_ANY_DEVICE);
    {
      const std::lock_guard held(state().small);
      if (state().initialised) fake_cann::fail(fake_cann::initialised_twice, "aclInit was called before");
      if (!state().finalised) {
        state().initialised = true;
        return;
      }
    }
    fake_cann::violate("aclInit after aclFinalize: older versions start once a process");
    const std::lock_guard held(state().small);
    state().initialised = true;
    state().finalised = false;
  });
}

aclError aclFinalize() {
  return fake_cann::entry([] {
    const std::lock_guard held(state().small);
    if (state().finalised) fake_cann::fail(fake_cann::finalised_twice, "aclFinalize was called before");
    if (!state().initialised) fake_cann::fail(fake_cann::not_initialised, "aclInit was not called");
    state().initialised = false;
    state().finalised = true;
  });
}

const char* aclGetRecentErrMsg() {
  if (fake_cann::error_message.empty()) return nullptr;
  fake_cann::error_message_read = std::exchange(fake_cann::error_message, {});
  return fake_cann::error_message_read.c_str();
}

void fake_cann_reset() {
  {
    const fake_cann::Lock held(fake_cann::global_mutex());
    fake_cann::forget_machine(held);
    for (const fake_cann::Part& part : fake_cann::parts()) {
      if (part.forget != nullptr) part.forget();
    }
    fake_cann::free_all_memory();
  }
  fake_cann::forget_thread_context();
  fake_cann::forget_costs();
  fake_cann::error_message.clear();
  {
    const std::lock_guard held(state().small);
    state().orders.clear();
    state().calls.clear();
    state().runs.clear();
    state().failed.clear();
    state().hanging.clear();
    state().violations.clear();
    state().initialised = state().finalised = false;
    state().strict = std::getenv("FAKE_CANN_STRICT") != nullptr;
  }
  fake_cann::change_profile([](fake_cann::Profile& profile) { profile = fake_cann::profile_of_environment(); });
  fake_cann::order_failures_of_environment();
}

const char* fake_cann_violations() {
  thread_local std::string text;
  const std::lock_guard held(state().small);
  text.clear();
  for (const std::string& line : state().violations) text += line + "\n";
  return text.c_str();
}

void fake_cann_fail(int32_t device, FakeCannCall call, uint64_t nth, int code) {
  const std::lock_guard held(state().small);
  state().orders.push_back({device, call, nth, code});
}

void fake_cann_hang(int32_t device) {
  const std::lock_guard held(state().small);
  state().hanging.insert(device);
}

uint64_t fake_cann_calls(int32_t device, FakeCannCall call) {
  const std::lock_guard held(state().small);
  return state().calls[{device, call}];
}

const char* fake_cann_call_name(FakeCannCall call) { return fake_cann::call_names[static_cast<size_t>(call)]; }

uint64_t fake_cann_runs(const char* name) {
  const std::lock_guard held(state().small);
  uint64_t sum = 0;
  for (const auto& [operation, runs] : state().runs) sum += name == nullptr || operation == name ? runs : 0;
  return sum;
}

void fake_cann_absent(const char* operators) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) {
    profile.absent.clear();
    for (const std::string& name : fake_cann::split(operators, ',')) profile.absent.insert(name);
  });
}

void fake_cann_refuse(const char* name, int status) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) {
    if (status != 0)
      profile.refused[name] = status;
    else
      profile.refused.erase(name);
  });
}

void fake_cann_shapes_only(int on) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.arithmetic = on == 0; });
}
void fake_cann_old_driver(int on) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.old_driver = on != 0; });
}
void fake_cann_set_version(const char* version) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.version = version; });
}
void fake_cann_set_soc(const char* name) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.soc = name; });
}
void fake_cann_set_devices(uint32_t count) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.devices = count; });
}
void fake_cann_set_memory(int32_t device, size_t bytes) {
  fake_cann::change_profile([&](fake_cann::Profile& profile) { profile.memory_of[device] = bytes; });
}

}  // extern "C"
