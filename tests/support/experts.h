// Banks of experts from matrices.
#pragma once

#include <vector>

#include "device/device.h"

namespace lectern::testing {

struct Expert {
  Weight gate, up, down;
};

inline ExpertBank bank_of(Device& device, const std::vector<Expert>& experts) {
  std::vector<Weight> gates_and_ups, downs;
  for (const Expert& expert : experts) {
    gates_and_ups.push_back(expert.gate);
    gates_and_ups.push_back(expert.up);
    downs.push_back(expert.down);
  }
  return {device.stack(std::move(gates_and_ups)), device.stack(std::move(downs))};
}

}  // namespace lectern::testing
