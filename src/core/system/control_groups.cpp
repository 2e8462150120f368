#include "core/system/control_groups.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {
namespace {

namespace fs = std::filesystem;

// A hierarchy of groups as it is mounted: version 2, or the controllers of version 1 that it carries.
struct Mount {
  bool unified = false;
  std::string controllers;  // ",memory,rw,"; of version 1
  fs::path place;
  std::string top;  // the group that is seen there
};

// Whether a list with commas names it.
bool names(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

std::vector<Mount> mounts_below(const fs::path& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // id parent device root place options [fields] - type source options
    std::istringstream fields(line);
    std::string skipped, top, place, type, options;
    fields >> skipped >> skipped >> skipped >> top >> place;
    while (fields >> skipped && skipped != "-") {
    }
    if (!(fields >> type >> skipped >> options) || !type.starts_with("cgroup")) continue;
    mounts.push_back({type == "cgroup2", options, root / fs::path(place).relative_path(), top});
  }
  return mounts;
}

int64_t number_in(const fs::path& file) {
  std::ifstream stream(file);
  int64_t value = -1;
  return stream >> value ? value : -1;  // the word "max" is no number
}

// A line "KEY NUMBER" of a file; 0 when there is none.
int64_t number_in(const fs::path& file, std::string_view key) {
  std::ifstream stream(file);
  std::string name;
  for (int64_t value = 0; stream >> name >> value;) {
    if (name == key) return value;
  }
  return 0;
}

void look_at(const fs::path& group, bool unified, GroupLimits& limits) {
  // Version 1 says "none" by a number close to the largest.
  constexpr int64_t none = std::numeric_limits<int64_t>::max() / 2;
  const int64_t most = number_in(group / (unified ? "memory.max" : "memory.limit_in_bytes"));
  const int64_t used = number_in(group / (unified ? "memory.current" : "memory.usage_in_bytes"));
  if (most >= 0 && most < none && used >= 0) {
    const int64_t cached = number_in(group / "memory.stat", unified ? "inactive_file" : "total_inactive_file");
    const int64_t left = std::max<int64_t>(0, most - std::max<int64_t>(0, used - cached));
    limits.memory_left = std::min(limits.memory_left.value_or(left), left);
  }
  double quota = -1, period = 0;
  if (unified) {
    std::ifstream file(group / "cpu.max");
    if (!(file >> quota >> period)) quota = -1;
  } else {
    quota = static_cast<double>(number_in(group / "cpu.cfs_quota_us"));
    period = static_cast<double>(number_in(group / "cpu.cfs_period_us"));
  }
  if (quota > 0 && period > 0) {
    limits.processors = std::min(limits.processors.value_or(quota / period), quota / period);
  }
}

// The group `path`, as the kernel names it, below its mount, and all above it.
void look_upwards(const Mount& mount, const std::string& path, GroupLimits& limits) {
  std::string below = path;
  if (mount.top != "/" && below.starts_with(mount.top)) below.erase(0, mount.top.size());
  fs::path group = mount.place / fs::path(below).relative_path();
  std::error_code ignored;
  // In a container the group may lie outside of what is mounted: then what is mounted is its own.
  if (path.find("..") != std::string::npos || !fs::is_directory(group, ignored)) group = mount.place;
  for (;; group = group.parent_path()) {
    look_at(group, mount.unified, limits);
    if (group == mount.place || group.native().size() <= mount.place.native().size()) return;
  }
}

}  // namespace

GroupLimits control_group_limits(const fs::path& root) {
  GroupLimits limits;
  const std::vector<Mount> mounts = mounts_below(root);
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    // number:controllers:path; version 2 has no controllers
    const size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    for (const Mount& mount : mounts) {
      const auto carried = [&](const char* controller) {
        return names(controllers, controller) && names(mount.controllers, controller);
      };
      const bool is_its = controllers.empty() ? mount.unified : !mount.unified && (carried("memory") || carried("cpu"));
      if (is_its) look_upwards(mount, path, limits);
    }
  }
  return limits;
}

}  // namespace lectern
