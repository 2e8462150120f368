// What a device is and has, as far as it says.
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
  std::string software;  // versions of what drives it
  // How weights are kept when nobody says how, of a model that is not packed.
  WeightFormat default_weights = WeightFormat::f32;
  // Sequences from which on more together gain little, where memory allows so many.
  int preferred_batch = 4;
  // Whether it replays captured work: "replayed", or why not; empty for a device that has no such thing.
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

// What a device can do at most, measured when it is asked for.
class DevicePeaks {
 public:
  virtual ~DevicePeaks() = default;
  // Operations a second (a multiplication and an addition are two), in 1e9, of a large product of f32, bf16 or u8
  // numbers: the best of several runs, and that of now, since a shared machine changes from second to second.
  virtual double product(DataType type) const = 0;
  virtual double product_now(DataType type) const = 0;
  // Bytes a second, in 1e9, at which memory is read.
  virtual double read() const = 0;
  virtual double read_now() const = 0;
  // Bytes of the host that are held for measuring.
  virtual size_t host_bytes() const { return 0; }
};

}  // namespace lectern
