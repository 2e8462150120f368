// How long work is ended early at the caller's wish: it throws Stopped at its next safe point.
#pragma once

#include <stop_token>

namespace lectern {

struct Stopped {};

inline void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Stopped{};
}

}  // namespace lectern
