// The CPU as a device: oneDNN for products of many rows, Highway kernels for everything else.
#pragma once

#include "device/device.h"

namespace lectern {

// Lives until the process ends.
Device& cpu_device();

}  // namespace lectern
