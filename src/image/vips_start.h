// Starts libvips once for the whole process: quiet, without loaders that are not made for untrusted files.
#pragma once

namespace lectern {

// Safe to call from many threads. Throws Error when libvips does not start.
void start_vips();

}  // namespace lectern
