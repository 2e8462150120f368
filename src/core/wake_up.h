// The wish to stop as something that poll() waits for.
#pragma once

#include <stop_token>

#include "core/unique_fd.h"

namespace lectern {

class WakeUp {
 public:
  // Throws Error when the system has no room for one more descriptor.
  explicit WakeUp(const std::stop_token& stop);
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  // Readable once stop was requested.
  int descriptor() const { return event_.get(); }

 private:
  struct Ring {
    int event;
    void operator()() const;
  };
  UniqueFd event_;
  std::stop_callback<Ring> callback_;
};

}  // namespace lectern
