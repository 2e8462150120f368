// Work that is given to a device again and again on operands in the same places, as that between two attentions of a
// decoder's steps: a device that can captures it once and replays it from then on, which is one call of the host.
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

  // Does the work of `body`, perhaps without calling it: operators of the device, the same and on the same places
  // whenever `number` is the same and `operands` are, by place, type and shape. It reads and writes nothing but the
  // operands, what is allocated before it was first asked for and stays, such as weights and a cache, and what it
  // allocates and releases itself. Neither what it asks for nor where depends on values of the host; what else it does
  // there may not be done. Throws what `body` throws.
  virtual void run(int number, std::span<const TensorView> operands, const std::function<void()>& body) = 0;
};

// Without regions, where a device captures nothing, body is called.
template <typename Body>
void run_region(CapturedRegions* regions, int number, std::span<const TensorView> operands, const Body& body) {
  if (regions == nullptr) return body();
  regions->run(number, operands, body);
}

}  // namespace lectern
