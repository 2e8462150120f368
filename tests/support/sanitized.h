// Whether the tests are compiled with AddressSanitizer. It finds no more in large inputs than in small ones, but takes
// ten times as long.
#pragma once

namespace lectern::testing {

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

}  // namespace lectern::testing
