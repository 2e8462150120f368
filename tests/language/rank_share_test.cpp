#include "language/rank_share.h"

#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern {
namespace {

DecoderConfig published() {
  DecoderConfig config;
  config.hidden = 1280;
  config.heads = config.kv_heads = 10;
  config.experts = 64;
  config.vocabulary = 129280;
  return config;
}

TEST(RankShare, OfThePublishedModelIsUnevenInHeadsAlone) {
  constexpr int64_t heads[] = {3, 3, 2, 2};
  for (int rank = 0; rank < 4; ++rank) {
    const RankShare share = share_of(published(), rank, 4);
    EXPECT_EQ(share.heads.count, heads[rank]);
    EXPECT_EQ(share.kv_heads, share.heads);
    EXPECT_EQ(share.experts, (Range{16 * rank, 16}));
    EXPECT_EQ(share.vocabulary, (Range{32320 * rank, 32320}));
    EXPECT_EQ(share_of_width(1792, share, true).count, 448);
  }
}

TEST(RankShare, OfOneIsAll) {
  const RankShare share = share_of(published(), 0, 1);
  EXPECT_EQ(share.heads, (Range{0, 10}));
  EXPECT_EQ(share.experts, (Range{0, 64}));
  EXPECT_EQ(share.vocabulary, (Range{0, 129280}));
  EXPECT_EQ(share_of_width(100, share, true), (Range{0, 100}));
}

TEST(RankShare, KeepsQueriesWithTheirKey) {
  DecoderConfig config = published();
  config.heads = 6;
  config.kv_heads = 2;
  const RankShare second = share_of(config, 1, 2);
  EXPECT_EQ(second.kv_heads, (Range{1, 1}));
  EXPECT_EQ(second.heads, (Range{3, 3}));
  EXPECT_TRUE(share_of(config, 2, 4).heads.empty());
}

TEST(RankShare, HasSomeWordsOfASmallVocabularyAtEveryRank) {
  DecoderConfig config = published();
  config.vocabulary = 9;
  for (int rank = 0; rank < 8; ++rank) EXPECT_FALSE(share_of(config, rank, 8).vocabulary.empty());
  config.vocabulary = 7;
  EXPECT_THROW(share_of(config, 0, 8), Error);
}

TEST(RankShare, TearsNoBlocksOfPackedWeights) {
  const RankShare share = share_of(published(), 1, 4);
  EXPECT_EQ(share_of_width(100, share, true), (Range{64, 36}));
  EXPECT_EQ(share_of_width(100, share, false), (Range{32, 32}));  // of units of 16
}

}  // namespace
}  // namespace lectern
