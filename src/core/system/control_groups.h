// Limits of the control groups of this process (version 1 or 2), including those of all parent groups.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lectern {

struct GroupLimits {
  std::optional<int64_t> memory_left;  // bytes until the nearest limit; memory that only caches files counts as free
  std::optional<double> processors;    // worth of time
};

// `root` replaces "/", where /proc/self and the mounted groups are found; for tests.
GroupLimits control_group_limits(const std::filesystem::path& root = "/");

}  // namespace lectern
