// Sizes as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace lectern {

// 512 bytes, 2.7 kB, 14.0 MB, 6.67 GB: powers of 1000, three digits.
std::string size_text(int64_t bytes);

}  // namespace lectern
