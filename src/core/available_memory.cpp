#include "core/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "core/control_groups.h"

namespace lectern {

int64_t available_memory() {
  int64_t available = std::numeric_limits<int64_t>::max();
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (int64_t kibibytes = 0; file >> key >> kibibytes && std::getline(file, unit);) {
    if (key == "MemAvailable:") available = kibibytes * 1024;
  }
  available = std::min(available, control_group_limits().memory_left.value_or(available));
  return available == std::numeric_limits<int64_t>::max() ? 0 : available;
}

}  // namespace lectern
