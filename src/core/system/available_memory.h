// Memory of the machine, and what of it this process may still take.
#pragma once

#include <cstdint>

namespace lectern {

// Bytes that can be allocated without swapping, bounded by the limits of its control groups; 0: unknown.
int64_t available_memory();

// Bytes of the machine; 0: unknown.
int64_t total_memory();

}  // namespace lectern
