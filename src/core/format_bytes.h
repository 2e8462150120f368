// Sizes in bytes, formatted for people.
#pragma once

#include <cstdint>
#include <string>

namespace lectern {

// "512 bytes", "2.71 kB", "14.0 MB", "6.67 GB": powers of 1000, three digits.
std::string format_bytes(int64_t bytes);

}  // namespace lectern
