// Captured work: what is given to a stream between begin and end is kept, not done, and done whenever it is replayed,
// with what memory holds then.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "fake_cann/runtime/stream.h"

namespace fake_cann {

struct Capture {
  aclmdlRICaptureMode mode = ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  bool invalid = false;
  std::vector<Task> tasks;
};

struct Graph {
  int32_t device = 0;
  std::vector<Task> tasks;
  std::shared_ptr<Stream> stream;  // of the last replay
  uint64_t sequence = 0;           // its place there
  size_t streams() const;          // that it takes up
};

// The call fails, and so does the end of a capture that it disturbs. All under global_mutex().
//
// The host waits for a stream (null: for the device, or an event) or asks for its status: not while it is captured, and
// not in a thread that captures.
void check_wait_in_capture(const Lock& held, int32_t device, const Stream* stream, const char* what);
// Copies and fills that are not of a stream, memory that is made or freed: not in a thread that captures, nor in any
// while one captures in global mode, but in relaxed mode.
void check_unsafe_in_capture(const Lock& held, int32_t device, const char* what);
// A call of an operator failed.
void spoil_capture(const Lock& held, aclrtStream stream);
// Streams of the device that graphs take up.
size_t streams_of_graphs(const Lock& held, int32_t device);

}  // namespace fake_cann
