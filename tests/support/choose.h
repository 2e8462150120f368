// What argmax of a device chooses.
#pragma once

#include "device/choice.h"
#include "device/host_values.h"

namespace lectern::testing {

// Of every row of logits on the device, without the ids that are banned for it (none: for no row).
inline Chosen choose_largest(Device& device, const TensorView& logits,
                             std::span<const std::vector<int32_t>> banned = {}) {
  const std::vector<int32_t> places = banned_places(banned, logits.shape[1]);
  const Tensor on_device = places.empty() ? Tensor() : from_host(device, places);
  const Choice choice(device, logits.shape[0], logits.shape[1], places);
  device.argmax({logits, on_device, choice.ids(), choice.log_probabilities()});
  return choice.read();
}

}  // namespace lectern::testing
