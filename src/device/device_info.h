// Description of a device, its memory and its measured peak rates.
#pragma once

#include <cstddef>
#include <string>

#include "core/data_type.h"
#include "device/operators/operators.h"

namespace lectern {

struct DeviceInfo {
  std::string name;      // without options: "cpu", "ascend:0"
  std::string kind;      // "cpu", "ascend"
  std::string hardware;  // e.g. the processor's name
  std::string software;  // versions of its drivers and libraries
  // Default format of weights for a model that is not packed.
  WeightFormat default_weights = WeightFormat::f32;
  // Batch size beyond which more sequences together gain little, if memory allows it.
  int preferred_batch = 4;
  // Whether captured work is replayed: "replayed", or why not; empty for a device that cannot capture.
  std::string graphs = {};
};

// Bytes; 0 where they are not known.
struct DeviceMemory {
  size_t free = 0;
  size_t total = 0;
};

// A device that can be opened.
struct DeviceDescription {
  DeviceInfo info;
  DeviceMemory memory;
};

// Peak rates of a device, measured when asked for.
class DevicePeaks {
 public:
  virtual ~DevicePeaks() = default;
  // Gop/s (a multiplication and an addition are two) of a large product of f32, bf16 or u8 numbers: the best of several
  // runs, and at this moment, since a shared machine changes from second to second.
  virtual double product(DataType type) const = 0;
  virtual double product_now(DataType type) const = 0;
  // GB/s at which memory is read.
  virtual double read() const = 0;
  virtual double read_now() const = 0;
  // Bytes of host memory that are held for measuring.
  virtual size_t host_bytes() const { return 0; }
};

}  // namespace lectern
