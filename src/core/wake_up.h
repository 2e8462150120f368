// File descriptor on which poll() sees a stop request.
#pragma once

#include <stop_token>

#include "core/unique_fd.h"

namespace lectern {

class WakeUp {
 public:
  // Throws Error when no more descriptors can be opened.
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
