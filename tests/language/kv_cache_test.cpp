#include "language/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <utility>

#include "device/cpu/cpu_device.h"

namespace lectern {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

DecoderConfig config_of(int heads, int kv_heads, int head_size, int layers) {
  DecoderConfig config;
  config.hidden = heads * head_size;
  config.heads = heads;
  config.kv_heads = kv_heads;
  config.layers = layers;
  return config;
}

// So many pages of one layer, or of several.
KvCache cache_of(const DecoderConfig& config, int pages) { return {cpu_device(), config, WeightFormat::f32, pages, 1}; }

const int64_t page_tokens = cache_of(config_of(1, 1, 16, 1), 1).pool().page_tokens();

TEST(KvCache, PagesForPositions) {
  const KvCache cache(cpu_device(), config_of(1, 1, 16, 1), WeightFormat::f32, 2, page_tokens + 1);
  EXPECT_EQ(cache.pool().pages(), 4);
  EXPECT_EQ(cache.pool().pages_for(0), 0);
  EXPECT_EQ(cache.pool().pages_for(1), 1);
  EXPECT_EQ(cache.pool().pages_for(page_tokens), 1);
  EXPECT_EQ(cache.pool().pages_for(page_tokens + 1), 2);
  EXPECT_EQ(cache.pool().pages_for(8192), 8192 / page_tokens);
}

TEST(KvCache, SaysHowLargeItWillBe) {
  const DecoderConfig config = config_of(4, 2, 32, 3);
  const KvCache cache(cpu_device(), config, WeightFormat::f32, 1, page_tokens + 1);
  const auto layer = cache.layer(1).data - cache.layer(0).data;
  EXPECT_EQ(KvCache::bytes_of_sequence(cpu_device(), config, WeightFormat::f32, page_tokens + 1), 3 * layer);
}

TEST(KvCache, LayersLieApart) {
  for (const int head_size : {2, 20, 32, 128}) {
    const KvCache cache = cache_of(config_of(4, 2, head_size, 3), 5);
    const CacheLayer first = cache.layer(0);
    EXPECT_EQ(first.pages, 5);
    EXPECT_EQ(first.kv_heads, 2);
    EXPECT_EQ(first.head_size, head_size);
    const auto keys_and_values = static_cast<size_t>(2 * 2 * page_tokens * head_size) * size_of(first.format.type);
    EXPECT_GE(first.format.page_bytes, keys_and_values);
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(cache.layer(i + 1).data - cache.layer(i).data, static_cast<int64_t>(5 * first.format.page_bytes));
  }
}

TEST(KvCache, SequencesGrowAndGiveBack) {
  KvCache cache = cache_of(config_of(2, 2, 16, 1), 6);
  EXPECT_EQ(cache.pool().pages(), 6);
  EXPECT_EQ(cache.pool().free_pages(), 6);
  {
    SequencePages first(cache.pool());
    EXPECT_THAT(first.pages(), IsEmpty());
    EXPECT_TRUE(first.reserve(0));
    EXPECT_TRUE(first.reserve(1));
    EXPECT_THAT(first.pages(), SizeIs(1));
    const int32_t page = first.pages()[0];
    EXPECT_TRUE(first.reserve(page_tokens));  // fits already
    EXPECT_THAT(first.pages(), SizeIs(1));
    EXPECT_TRUE(first.reserve(3 * page_tokens));
    EXPECT_THAT(first.pages(), SizeIs(3));
    EXPECT_EQ(first.pages()[0], page);
    EXPECT_TRUE(first.reserve(5));  // fewer than it has
    EXPECT_THAT(first.pages(), SizeIs(3));
    EXPECT_EQ(cache.pool().free_pages(), 3);
    SequencePages second(cache.pool());
    EXPECT_TRUE(second.reserve(2 * page_tokens));
    std::set<int32_t> all(first.pages().begin(), first.pages().end());
    all.insert(second.pages().begin(), second.pages().end());
    EXPECT_THAT(all, SizeIs(5));
    EXPECT_GE(*all.begin(), 0);
    EXPECT_LT(*all.rbegin(), 6);
  }
  EXPECT_EQ(cache.pool().free_pages(), 6);
}

TEST(KvCache, TakesNothingWhenThereIsTooLittle) {
  KvCache cache = cache_of(config_of(1, 1, 16, 1), 3);
  SequencePages first(cache.pool());
  SequencePages second(cache.pool());
  ASSERT_TRUE(first.reserve(2 * page_tokens));
  EXPECT_FALSE(second.reserve(2 * page_tokens));
  EXPECT_THAT(second.pages(), IsEmpty());
  EXPECT_EQ(cache.pool().free_pages(), 1);
  EXPECT_FALSE(first.reserve(4 * page_tokens));
  EXPECT_THAT(first.pages(), SizeIs(2));
  EXPECT_TRUE(second.reserve(page_tokens));
  EXPECT_EQ(cache.pool().free_pages(), 0);
  EXPECT_TRUE(first.reserve(2 * page_tokens));
  EXPECT_FALSE(second.reserve(page_tokens + 1));
}

TEST(KvCache, MovedPagesHaveOneOwner) {
  KvCache cache = cache_of(config_of(1, 1, 16, 1), 4);
  std::optional<SequencePages> first(std::in_place, cache.pool());
  ASSERT_TRUE(first->reserve(2 * page_tokens));
  std::optional<SequencePages> second(std::move(*first));
  EXPECT_THAT(second->pages(), SizeIs(2));
  first.reset();
  EXPECT_EQ(cache.pool().free_pages(), 2);
  SequencePages third(cache.pool());
  ASSERT_TRUE(third.reserve(page_tokens));
  third = std::move(*second);
  EXPECT_THAT(third.pages(), SizeIs(2));
  second.reset();
  EXPECT_EQ(cache.pool().free_pages(), 2);
}

TEST(KvCache, PagesInTheMiddleAreUsedAgainBehindTheEnd) {
  KvCache cache = cache_of(config_of(1, 1, 16, 1), 4);
  SequencePages pages(cache.pool());
  ASSERT_TRUE(pages.reserve(4 * page_tokens));
  EXPECT_FALSE(pages.reserve(4 * page_tokens + 1));
  const std::vector<int32_t> first(pages.pages().begin(), pages.pages().end());
  pages.retire(5, 2 * page_tokens - 1);  // the first page holds the prompt, the second something that is needed
  EXPECT_EQ(pages.held(), 4);
  EXPECT_FALSE(pages.reserve(4 * page_tokens + 1));
  pages.retire(5, 3 * page_tokens);
  pages.retire(5, 3 * page_tokens);
  EXPECT_THAT(pages.pages(), ::testing::ElementsAre(first[0], -1, -1, first[3]));
  EXPECT_EQ(pages.held(), 4);
  EXPECT_EQ(pages.reach(), 6 * page_tokens);
  ASSERT_TRUE(pages.reserve(5 * page_tokens));
  EXPECT_THAT(pages.pages(), ::testing::ElementsAre(first[0], -1, -1, first[3], first[1]));
  pages.give_back_spare();
  EXPECT_EQ(pages.held(), 3);
  EXPECT_EQ(cache.pool().free_pages(), 1);
  pages.clear();
  EXPECT_EQ(pages.held(), 0);
  EXPECT_EQ(cache.pool().free_pages(), 4);
  EXPECT_FALSE(pages.take_spare(5));
  ASSERT_TRUE(pages.take_spare(2));
  EXPECT_EQ(cache.pool().free_pages(), 2);
  ASSERT_TRUE(pages.reserve(3 * page_tokens));
  EXPECT_EQ(cache.pool().free_pages(), 1);
}

TEST(KvCache, PagesAreUsedAgainWithoutEnd) {
  KvCache cache = cache_of(config_of(1, 1, 16, 1), 4);
  for (int round = 0; round < 100; ++round) {
    SequencePages first(cache.pool());
    SequencePages second(cache.pool());
    ASSERT_TRUE(first.reserve((1 + round % 2) * page_tokens));
    ASSERT_TRUE(second.reserve(2 * page_tokens));
  }
  EXPECT_EQ(cache.pool().free_pages(), 4);
}

}  // namespace
}  // namespace lectern
