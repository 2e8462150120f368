// Contexts, streams and events. Work waits in its stream and is done when somebody synchronises.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_cann/runtime/ledger.h"
#include "fake_cann/runtime/memory.h"
#include "fake_cann/runtime/state.h"

namespace fake_cann {

struct Stream;
struct Capture;
struct Graph;

// A place in a stream: everything up to and with its sequence-th piece of work.
struct Place {
  std::shared_ptr<Stream> stream;
  uint64_t sequence = 0;
  std::map<uint64_t, uint64_t> after;  // what comes before it on other streams
};

struct Event {
  uint64_t context = 0;
  uint32_t flags = 0;
  bool extended = false;
  bool captured = false;  // recorded within a capture: the host cannot wait for it
  std::optional<Place> recorded;
  std::chrono::steady_clock::time_point time;
};

struct Task {
  std::string name;
  std::vector<Range> ranges;
  std::function<void()> run;
  std::optional<Place> wait;  // before running
  uint64_t sequence = 0;
  std::optional<LaunchCost> cost = std::nullopt;  // of an operator's call
};

struct Stream {
  uint64_t id = 0;
  uint64_t context = 0;
  int32_t device = 0;
  bool is_default = false;
  bool saturate = false;
  uint64_t submitted = 0, done = 0;
  uint64_t dropped = 0;  // work up to here is not waited for
  std::deque<Task> queue;
  std::shared_ptr<Capture> capture;    // that takes what it is given
  std::map<uint64_t, uint64_t> after;  // stream id -> how much of it comes before what this stream does next
};

struct Device {
  int references = 0;
  uint64_t default_context = 0;
  int error = 0;  // of asynchronous work; sticks until the device is reset
  std::string message;
  bool saturate = false;
  bool was_reset = false;
  std::mutex execution;  // one piece of work at a time
};

struct Context {
  int32_t device = 0;
  std::shared_ptr<Stream> default_stream;
};

struct Machine {
  std::map<int32_t, std::shared_ptr<Device>> devices;
  std::map<uint64_t, std::shared_ptr<Context>> contexts;
  uint64_t next_context = 1, next_stream = 1;
  Registry<Stream> streams{"stream", 0x5100'0000'0000};
  Registry<Event> events{"event", 0x5200'0000'0000};
  Registry<Graph> graphs{"graph", 0x5b00'0000'0000};
};
Machine& machine();  // under global_mutex()

// The calling thread's context; throws no_context. With the device's pending error unless asked not to.
std::shared_ptr<Context> current_context(const Lock& held);
int32_t current_device();  // locks; throws no_context
int32_t thread_device();   // as it was set last; -1: none. Takes no lock
std::shared_ptr<Device> device_of(const Lock& held, int32_t device);
void check_device_error(const Lock& held, int32_t device);
void forget_machine(const Lock& held);
void forget_thread_context();
std::string describe_machine_leaks();

// Throws no_stream_resource where so many more than there are would be too many.
void check_streams_left(const Lock& held, int32_t device, size_t more, const char* what);
// The stream behind a handle of the current context; null is the context's default stream.
std::shared_ptr<Stream> stream_of(const Lock& held, aclrtStream handle);

// A stream holds 1792 pieces of work: whoever adds one more waits for the first. Do not hold the lock.
void await_room(aclrtStream handle);
// Adds work to a stream after checking that its memory is alive and that no other stream works on it meanwhile; or to
// what is captured of it, and true is returned.
bool enqueue(const Lock& held, const std::shared_ptr<Stream>& stream, Task task);
// Does a stream's work up to a place; throws what went wrong on the device, now or earlier. Do not hold the lock.
void drain(const std::shared_ptr<Stream>& stream, uint64_t until);
// Does one piece of work; whether all up to that place is done then.
bool work_once(const std::shared_ptr<Stream>& stream, uint64_t until);
// A use outside any stream (a synchronous copy, a release) of memory that unfinished work touches is a violation.
void check_not_in_use(const Lock& held, const Range& range, const std::string& what);

// Whether results beyond f16's range become its largest value in the work being done on this thread.
bool saturating();

}  // namespace fake_cann
