// Copies to and from the card, the host's pinned memory, and events, which tell when a copy has passed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "device/ascend/runtime/errors.h"
#include "device/ascend/runtime/session.h"
#include "device/ascend/runtime/staging.h"

namespace lectern::ascend {

// Work given earlier may have failed when a copy waits for its slot.
void Session::check_copy(int status, const char* operation) {
  constexpr int first_of_card = 507000;
  constexpr int last_of_card = 507999;
  if (status >= first_of_card && status <= last_of_card) give_up(status);
  check(status, operation);
}

void Session::upload(std::byte* to, size_t bytes, const Fill& fill) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("a copy from the host");
  forget_derived(to);
  for (size_t first = 0; first < bytes;) {
    const size_t count = std::min(bytes - first, Staging::largest);
    try {
      staging_->send(to + first, count, [&](std::byte* pinned) { fill(pinned, first, count); });
    } catch (const Staging::Failure& failure) {
      check_copy(failure.status, failure.operation);
    }
    first += count;
  }
}

void Session::upload(std::byte* to, const void* from, size_t bytes) {
  upload(to, bytes, [&](std::byte* pinned, size_t first, size_t count) {
    std::memcpy(pinned, static_cast<const std::byte*>(from) + first, count);
  });
}

void Session::download(const std::byte* from, size_t bytes, const Take& take) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("a copy to the host");
  for (size_t first = 0; first < bytes;) {
    const size_t count = std::min(bytes - first, Staging::largest);
    const std::byte* pinned = nullptr;
    try {
      pinned = staging_->receive(from + first, count);
    } catch (const Staging::Failure& failure) {
      check_copy(failure.status, failure.operation);
    }
    synchronize();
    take(pinned, first, count);
    first += count;
  }
}

std::byte* Session::allocate_host(size_t bytes) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("memory of the host");
  void* memory = nullptr;
  const int status = library_.runtime().allocate_host(&memory, std::max<size_t>(bytes, 1));
  if (status != ACL_SUCCESS) {
    throw Error(fmt::format("{}: no pinned memory of the host for {} MiB: {}{}", name_, (bytes + (1 << 20) - 1) >> 20,
                            describe_code(status), error_text()),
                ErrorCode::out_of_memory);
  }
  return static_cast<std::byte*>(memory);
}

void Session::release_host(std::byte* data) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    synchronize();  // a copy to it may be on its way
  } catch (...) {   // then nothing is
  }
  library_.runtime().release_host(data);
}

void Session::download_later(const std::byte* from, size_t bytes, std::byte* to) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("a copy to the host");
  check_copy(library_.runtime().copy(to, bytes, from, bytes, ACL_MEMCPY_DEVICE_TO_HOST, stream_handle()),
             "aclrtMemcpyAsync");
}

aclrtEvent Session::record() {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("an event");
  aclrtEvent event = nullptr;
  check(library_.runtime().create_event(&event, ACL_EVENT_SYNC), "aclrtCreateEventExWithFlag");
  const int status = library_.runtime().record_event(event, stream_handle());
  if (status != ACL_SUCCESS) library_.runtime().destroy_event(event);
  check(status, "aclrtRecordEvent");
  return event;
}

bool Session::has_passed(aclrtEvent event) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("an event");
  aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_NOT_READY;
  if (const int code = library_.runtime().event_status(event, &status); code != ACL_SUCCESS) give_up(code);
  return status == ACL_EVENT_RECORDED_STATUS_COMPLETE;
}

// Others may go on giving work meanwhile.
void Session::wait(aclrtEvent event) {
  {
    const std::lock_guard lock(mutex_);
    bind();
    not_while_capturing("an event");
  }
  const int status = library_.runtime().synchronize_event(event);
  if (status == ACL_SUCCESS) return;
  const std::lock_guard lock(mutex_);
  give_up(status);
}

void Session::end(aclrtEvent event) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    wait(event);
  } catch (...) {  // said to who waits for the work
  }
  library_.runtime().destroy_event(event);
}

}  // namespace lectern::ascend
