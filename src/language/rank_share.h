// What one of several ranks has of a decoder: ranges of its heads, of its experts and of its vocabulary; a range of the
// inner width of each dense block is chosen by it alone. Norms and routers are everywhere, the embeddings at rank 0.
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

// Of the inner width of a dense block. In blocks of 64, as cards and packed weights like it, where every rank gets one
// or `packed` says that they must not be torn.
Range share_of_width(int64_t width, const RankShare& share, bool packed);

}  // namespace lectern
