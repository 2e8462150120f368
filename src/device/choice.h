// What a device chooses from logits, and its way to the host.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device.h"

namespace lectern {

// Of every row of logits the id, or -1 where none was left to choose, and its log-probability, then 0.
struct Chosen {
  std::vector<int32_t> ids;
  std::vector<float> log_probabilities;
};

// Ids that are not to be chosen, in any order and perhaps more than once, a list a row or none at all, as
// ArgmaxArgs::banned wants them. Ids outside of the vocabulary are left out.
std::vector<int32_t> banned_places(std::span<const std::vector<int32_t>> banned, int64_t vocabulary);

// Where a device puts its choice, ids and log-probabilities in one block, so that one copy brings both. The device must
// outlive it.
class Choice {
 public:
  Choice() = default;
  // `banned`: places, as they are given for the choice.
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
