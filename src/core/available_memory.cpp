#include "core/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace lectern {
namespace {

int64_t number_in(const char* file) {
  std::ifstream stream(file);
  int64_t value = -1;
  return stream >> value ? value : -1;  // the word "max" is no number
}

}  // namespace

int64_t available_memory() {
  int64_t available = std::numeric_limits<int64_t>::max();
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (int64_t kibibytes = 0; file >> key >> kibibytes && std::getline(file, unit);) {
    if (key == "MemAvailable:") available = kibibytes * 1024;
  }
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
  if (limit >= 0 && used >= 0) available = std::min(available, std::max<int64_t>(0, limit - used));
  return available == std::numeric_limits<int64_t>::max() ? 0 : available;
}

}  // namespace lectern
