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
  std::string software;  // versions of what drives it
  int64_t memory = 0;    // bytes; 0 where it is not known
  int64_t free_memory = 0;
};

// Every device that can be opened. Any thread may call it.
LECTERN_EXPORT std::vector<DeviceSummary> devices();

}  // namespace lectern
