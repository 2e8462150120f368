// The CPU as a device.
#pragma once

#include "device/device.h"
#include "device/registry.h"

namespace lectern {

// Lives until the process ends.
Device& cpu_device();

// One that does without some operators.
std::unique_ptr<Device> make_cpu_device(const OperatorSet& without);

DeviceDescription describe_cpu();

}  // namespace lectern
