#include "language/rank_share.h"

#include <fmt/format.h>

#include "lectern/error.h"

namespace lectern {
namespace {

// The largest of 64, 16, 4 and 1 of which every part gets one.
int64_t unit_for(int64_t count, int parts) {
  int64_t unit = 64;
  while (unit > 1 && count < unit * parts) unit /= 4;
  return unit;
}

}  // namespace

RankShare share_of(const DecoderConfig& config, int rank, int ranks) {
  if (config.vocabulary < ranks) {
    throw Error(fmt::format("a vocabulary of {} cannot be split over {} ranks; use fewer", config.vocabulary, ranks));
  }
  RankShare share;
  share.rank = rank;
  share.ranks = ranks;
  const int64_t sharing = config.heads / config.kv_heads;
  share.kv_heads = part_of(config.kv_heads, rank, ranks);
  share.heads = {share.kv_heads.first * sharing, share.kv_heads.count * sharing};
  share.experts = part_of(config.experts, rank, ranks);
  share.vocabulary = part_of(config.vocabulary, rank, ranks, unit_for(config.vocabulary, ranks));
  return share;
}

Range share_of_width(int64_t width, const RankShare& share, bool packed) {
  return part_of(width, share.rank, share.ranks, packed ? 64 : unit_for(width, share.ranks));
}

}  // namespace lectern
