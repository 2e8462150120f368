#include "core/system/available_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "core/system/control_groups.h"

namespace lectern {

namespace {

// Bytes of an entry of /proc/meminfo.
std::optional<int64_t> memory_entry(std::string_view wanted) {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (int64_t kibibytes = 0; file >> key >> kibibytes && std::getline(file, unit);) {
    if (key == wanted) return kibibytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

int64_t available_memory() {
  const std::optional<int64_t> free = memory_entry("MemAvailable:"), left = control_group_limits().memory_left;
  return free && left ? std::min(*free, *left) : free ? *free : left.value_or(0);
}

int64_t total_memory() { return memory_entry("MemTotal:").value_or(0); }

}  // namespace lectern
