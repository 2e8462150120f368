#include "core/wake_up.h"

#include <sys/eventfd.h>

#include <cerrno>

#include "core/files/file.h"

namespace lectern {

void WakeUp::Ring::operator()() const { ::eventfd_write(event, 1); }

WakeUp::WakeUp(const std::stop_token& stop)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop, Ring{event_.get()}) {
  if (!event_) throw system_error("eventfd", "cannot be made", errno);
}

}  // namespace lectern
