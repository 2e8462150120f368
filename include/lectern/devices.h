// The devices of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lectern/export.h"

namespace lectern {

struct DeviceSummary {
  std::string name;      // what ModelOptions::device takes: "cpu", "ascend:0"
  std::string hardware;  // e.g. the processor's name
  std::string software;  // versions of its drivers and libraries
  int64_t memory = 0;    // bytes; 0: unknown
  int64_t free_memory = 0;
};

// All devices that can be opened. Any thread may call it.
LECTERN_EXPORT std::vector<DeviceSummary> devices();

}  // namespace lectern
