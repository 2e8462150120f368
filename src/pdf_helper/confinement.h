// Keeps this process from everything but reading one file, fonts and libraries, with what the kernel offers: resource
// limits, no new privileges, no capabilities, its own namespaces, Landlock and seccomp. What is not to be had is left
// out; the others hold all the same.
#pragma once

#include <cstdint>

namespace lectern::pdf {

// Before anything of the file is looked at, while the process has one thread: those started later are confined as it
// is. `file` is open; so is what it writes to, as one of the descriptors 0 to 2. -> Confinement, in protocol.h.
uint32_t confine(int file);

// Afterwards, when no thread is to be started any more.
void refuse_more_threads();

}  // namespace lectern::pdf
