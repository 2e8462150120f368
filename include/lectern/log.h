// Log of what Lectern chooses and why: device, weights, mode, batch, retries. Off until a program asks for it.
//
// A line is made of key=value, values with spaces in quotes:
//   time=2026-05-04T10:20:30.456 level=info event=model.loaded folder=models/primer weights=f32 device=cpu threads=8
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "lectern/export.h"

namespace lectern {

enum class LogLevel : uint8_t {
  off,
  info,   // what was chosen, once a run or a page
  debug,  // why, and what happens inside
};

// Lines of this level and of those before it go to standard error. Any thread may call it, at any time.
LECTERN_EXPORT void set_log(LogLevel level);
// They go to `sink` instead, without a line break, from any thread but one at a time. It must not throw or log.
LECTERN_EXPORT void set_log(LogLevel level, std::function<void(LogLevel, std::string_view line)> sink);

}  // namespace lectern
