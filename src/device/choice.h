// Token ids chosen on the device from logits, and their copy to the host.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device.h"

namespace lectern {

// For every row of logits the chosen id and its log-probability; -1 and 0 if every id was banned.
struct Chosen {
  std::vector<int32_t> ids;
  std::vector<float> log_probabilities;
};

// Banned ids, a list a row or no list at all, in any order and with repetitions, in the form of ArgmaxArgs::banned. Ids
// outside of the vocabulary are left out.
std::vector<int32_t> banned_places(std::span<const std::vector<int32_t>> banned, int64_t vocabulary);

// Memory of the device for the chosen ids and log-probabilities: one block, so that one copy brings both to the host.
// The device must outlive it.
class Choice {
 public:
  Choice() = default;
  // `banned`: as banned_places gives them.
  Choice(Device& device, int64_t rows, int64_t vocabulary, std::span<const int32_t> banned = {});

  MutableTensorView ids() const;                // i32 [rows]
  MutableTensorView log_probabilities() const;  // f32 [rows]
  // On the host; waits for the device.
  Chosen read() const;

 private:
  Device* device_ = nullptr;
  int64_t rows_ = 0;
  int64_t vocabulary_ = 0;
  std::vector<int32_t> banned_;
  Tensor block_;  // i32
};

}  // namespace lectern
