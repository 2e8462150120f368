// Captured regions: work that recurs with operands in the same places, such as that between two attentions of a
// decoder. A device that can captures a region once and replays it from then on with one call of the host.
#pragma once

#include <functional>
#include <span>

#include "core/tensor.h"

namespace lectern {

// For one thread. The device, and what the work reads beside its operands, must outlive it.
class CapturedRegions {
 public:
  CapturedRegions() = default;
  CapturedRegions(const CapturedRegions&) = delete;
  CapturedRegions& operator=(const CapturedRegions&) = delete;
  virtual ~CapturedRegions() = default;

  // Does the work of `body`, perhaps by replaying it instead of calling it. `body` calls operators of the device: the
  // same ones at the same addresses whenever `number` and `operands` (address, type, shape) are the same. It reads and
  // writes only the operands, memory that was allocated before the first call and stays, such as weights and the cache,
  // and memory that it allocates and releases itself. It depends on no value of the host, and whatever else it does on
  // the host may be skipped. Throws what `body` throws.
  virtual void run(int number, std::span<const TensorView> operands, const std::function<void()>& body) = 0;
};

// Calls `body` directly if there are no regions, as on a device that captures nothing.
template <typename Body>
void run_region(CapturedRegions* regions, int number, std::span<const TensorView> operands, const Body& body) {
  if (regions == nullptr) return body();
  regions->run(number, operands, body);
}

}  // namespace lectern
