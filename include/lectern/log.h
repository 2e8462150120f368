// Log of decisions and their reasons: device, weights, mode, batch, retries. Off by default.
//
// Lines consist of key=value pairs; values with spaces are quoted:
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

// Logs up to this level to standard error. Any thread may call it, at any time.
LECTERN_EXPORT void set_log(LogLevel level);
// Logs to `sink` instead: lines without a line break, from any thread, one call at a time. It must not throw or log.
LECTERN_EXPORT void set_log(LogLevel level, std::function<void(LogLevel, std::string_view line)> sink);

}  // namespace lectern
