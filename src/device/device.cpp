#include "device/device.h"

#include "device/lowering.h"

namespace lectern {

Device::Device(const Operators& native) : operators_(lower_missing(native)) {}

}  // namespace lectern
