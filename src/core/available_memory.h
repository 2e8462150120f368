// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace lectern {

// Bytes that the system can give without swapping, bounded by the limits of its control groups; 0 when that is not
// known.
int64_t available_memory();

}  // namespace lectern
