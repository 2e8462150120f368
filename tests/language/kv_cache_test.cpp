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

TEST(KvCache, PagesForPositions) {
  EXPECT_EQ(KvCache::pages_for(0), 0);
  EXPECT_EQ(KvCache::pages_for(1), 1);
  EXPECT_EQ(KvCache::pages_for(page_tokens), 1);
  EXPECT_EQ(KvCache::pages_for(page_tokens + 1), 2);
  EXPECT_EQ(KvCache::pages_for(8192), 8192 / page_tokens);
}

TEST(KvCache, LayersLieApartWithinAPage) {
  for (const int head_size : {2, 20, 32, 128}) {
    const DecoderConfig config = config_of(4, 2, head_size, 3);
    const KvCache cache(cpu_device(), config, 5);
    const CacheLayer first = cache.layer(0);
    EXPECT_EQ(first.kv_heads, 2);
    EXPECT_EQ(first.head_size, head_size);
    EXPECT_GE(first.value_stride, head_size);
    EXPECT_EQ(first.value_stride % 16, 0);
    const int64_t needed = int64_t{2} * page_tokens * (head_size + first.value_stride);
    for (int i = 0; i < 2; ++i) EXPECT_GE(cache.layer(i + 1).data - cache.layer(i).data, needed);
    EXPECT_GE(cache.layer(0).data + first.page_stride - cache.layer(2).data, needed);
    EXPECT_EQ(KvCache::bytes_of_page(config), static_cast<size_t>(first.page_stride) * sizeof(float));
  }
}

TEST(KvCache, SequencesGrowAndGiveBack) {
  KvCache cache(cpu_device(), config_of(2, 2, 16, 1), 6);
  EXPECT_EQ(cache.pages(), 6);
  EXPECT_EQ(cache.free_pages(), 6);
  {
    SequencePages first(cache);
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
    EXPECT_EQ(cache.free_pages(), 3);
    SequencePages second(cache);
    EXPECT_TRUE(second.reserve(2 * page_tokens));
    std::set<int32_t> all(first.pages().begin(), first.pages().end());
    all.insert(second.pages().begin(), second.pages().end());
    EXPECT_THAT(all, SizeIs(5));
    EXPECT_GE(*all.begin(), 0);
    EXPECT_LT(*all.rbegin(), 6);
  }
  EXPECT_EQ(cache.free_pages(), 6);
}

TEST(KvCache, TakesNothingWhenThereIsTooLittle) {
  KvCache cache(cpu_device(), config_of(1, 1, 16, 1), 3);
  SequencePages first(cache);
  SequencePages second(cache);
  ASSERT_TRUE(first.reserve(2 * page_tokens));
  EXPECT_FALSE(second.reserve(2 * page_tokens));
  EXPECT_THAT(second.pages(), IsEmpty());
  EXPECT_EQ(cache.free_pages(), 1);
  EXPECT_FALSE(first.reserve(4 * page_tokens));
  EXPECT_THAT(first.pages(), SizeIs(2));
  EXPECT_TRUE(second.reserve(page_tokens));
  EXPECT_EQ(cache.free_pages(), 0);
  EXPECT_TRUE(first.reserve(2 * page_tokens));
  EXPECT_FALSE(second.reserve(page_tokens + 1));
}

TEST(KvCache, MovedPagesHaveOneOwner) {
  KvCache cache(cpu_device(), config_of(1, 1, 16, 1), 4);
  std::optional<SequencePages> first(std::in_place, cache);
  ASSERT_TRUE(first->reserve(2 * page_tokens));
  std::optional<SequencePages> second(std::move(*first));
  EXPECT_THAT(second->pages(), SizeIs(2));
  first.reset();
  EXPECT_EQ(cache.free_pages(), 2);
  SequencePages third(cache);
  ASSERT_TRUE(third.reserve(page_tokens));
  third = std::move(*second);
  EXPECT_THAT(third.pages(), SizeIs(2));
  second.reset();
  EXPECT_EQ(cache.free_pages(), 2);
}

TEST(KvCache, PagesAreUsedAgainWithoutEnd) {
  KvCache cache(cpu_device(), config_of(1, 1, 16, 1), 4);
  for (int round = 0; round < 100; ++round) {
    SequencePages first(cache);
    SequencePages second(cache);
    ASSERT_TRUE(first.reserve((1 + round % 2) * page_tokens));
    ASSERT_TRUE(second.reserve(2 * page_tokens));
  }
  EXPECT_EQ(cache.free_pages(), 4);
}

}  // namespace
}  // namespace lectern
