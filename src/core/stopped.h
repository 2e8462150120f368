// Cancellation of long work: after a stop request it throws Stopped at its next safe point.
#pragma once

#include <stop_token>

namespace lectern {

struct Stopped {};

inline void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Stopped{};
}

}  // namespace lectern
