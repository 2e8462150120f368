// Memory still available to this process.
#pragma once

#include <cstdint>

namespace lectern {

// Bytes that can be allocated without swapping, bounded by the limits of its control groups; 0: unknown.
int64_t available_memory();

}  // namespace lectern
