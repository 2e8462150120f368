// Other processes, as tests look at them.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <thread>

#include "core/temp_folder.h"

namespace lectern::testing {

inline bool runs(pid_t process) { return ::kill(process, 0) == 0; }

// For one that is no child of this process: its parent reaps it, or leaves a dead entry; either way it does not run on.
inline void wait_until_it_ended(pid_t process) {
  const auto state = [&] {
    const std::string status = slurp("/proc/" + std::to_string(process) + "/status");
    const size_t at = status.find("State:\t");
    return at == std::string::npos ? 'X' : status[at + 7];
  };
  while (state() != 'X' && state() != 'Z') std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace lectern::testing
