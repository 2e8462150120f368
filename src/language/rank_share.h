// A rank's share of a decoder: ranges of its heads, experts and vocabulary, and of the intermediate width of dense
// blocks. Norms and routers are on every rank, the embeddings on rank 0.
#pragma once

#include "checkpoint/config.h"
#include "core/range.h"

namespace lectern {

struct RankShare {
  int rank = 0;
  int ranks = 1;
  Range kv_heads;  // and with each the queries that share it
  Range heads;
  Range experts;
  Range vocabulary;
};

// Ranges as even as can be, the first ranks having the larger ones. With more ranks than key heads, or than experts,
// the last ranks have none. Throws Error where there are more ranks than words of the vocabulary.
RankShare share_of(const DecoderConfig& config, int rank, int ranks);

// A rank's range of the intermediate width of a dense block. In blocks of 64, as cards and packed weights like it,
// where every rank gets one or `packed` says that they must not be torn.
Range share_of_width(int64_t width, const RankShare& share, bool packed);

}  // namespace lectern
