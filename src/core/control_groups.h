// What the control groups of this process, of either version, let it have: those it is in and all above them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lectern {

struct GroupLimits {
  std::optional<int64_t> memory_left;  // bytes until the nearest limit; memory that only caches files counts as free
  std::optional<double> processors;    // worth of time
};

// `root` stands for "/": where /proc/self and the mounted groups are found.
GroupLimits control_group_limits(const std::filesystem::path& root = "/");

}  // namespace lectern
