// Ranks on several cards of one machine, connected by HCCL: each a thread of this process with a card of its own. What
// they tell each other is work on their cards' streams, as operators are.
//
// HCCL is looked up in libhccl.so when ranks are made. LECTERN_HCCL_AIV=1 lets small sums run on the vector cores,
// which is quicker and, on some cards, not deterministic; LECTERN_HCCL_BUFFER is each card's buffer in MiB (16). A card
// waits HCCL_EXEC_TIMEOUT seconds (68) for a rank that hangs.
#pragma once

#include <span>
#include <vector>

#include "device/communicator.h"

namespace lectern::ascend {

// As connect_ranks. Throws Error where HCCL is missing or two devices are one card.
std::vector<JoinRanks> hccl_ranks(std::span<Device* const> devices);

}  // namespace lectern::ascend
