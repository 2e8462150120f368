#include <gtest/gtest.h>

#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using testing::FakeCard;
using testing::half_tolerance;
using testing::Random;
using testing::relative_error;
using testing::rounded;
using testing::view_of;

class AscendCache : public ::testing::TestWithParam<DataType> {};

struct Sizes {
  int heads, kv_heads, size;
};

// The same steps on both devices, the pages of each in another order.
class Both {
 public:
  // The first rows of a sequence are its prompt.
  Both(FakeCard& card, const Sizes& sizes, DataType type, Random& random, int sequences, int64_t window = 0)
      : card_(card),
        sizes_(sizes),
        type_(type),
        random_(random),
        window_(window),
        positions_(static_cast<size_t>(sequences)),
        prompts_(positions_.size()) {
    const WeightFormat format = type == DataType::f32 ? WeightFormat::f32 : WeightFormat::bf16;
    reserve(cpu_, cpu_device(), WeightFormat::f32);
    reserve(on_card_, card.device(), format);
  }

  // Sequence i gets rows[i] more rows.
  void step(const std::vector<int64_t>& rows) {
    std::vector<SequenceRows> cpu_rows;
    std::vector<SequenceRows> card_rows;
    int64_t total = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == 0) continue;
      if (positions_[i] == 0) prompts_[i] = rows[i];
      cpu_rows.push_back({total, rows[i], positions_[i], cpu_.pages[i], prompts_[i]});
      card_rows.push_back({total, rows[i], positions_[i], on_card_.pages[i], prompts_[i]});
      total += rows[i];
      positions_[i] += rows[i];
    }
    const int64_t width = sizes_.heads * sizes_.size;
    const int64_t kv_width = sizes_.kv_heads * sizes_.size;
    const auto values = [&](int64_t columns) { return rounded(random_.values(total * columns), card_.half()); };
    const std::vector<float> q = values(width);
    const std::vector<float> k = values(kv_width);
    const std::vector<float> v = values(kv_width);
    std::vector<float> expected(q.size());
    const StepBatch cpu_step(cpu_device(), cpu_rows, cpu_.layer.format.page_tokens);
    const StepBatch card_step(card_.device(), card_rows, on_card_.layer.format.page_tokens);
    cpu_device().write_kv({view_of(k, {total, kv_width}), view_of(v, {total, kv_width}), cpu_step, cpu_.layer});
    cpu_device().paged_attention({view_of(q, {total, width}), sizes_.heads, 0.3f, cpu_step, cpu_.layer,
                                  view_of(expected, {total, width}), window_});
    const Tensor card_q = card_.put(q, {total, width}, type_);
    const Tensor card_k = card_.put(k, {total, kv_width}, type_);
    const Tensor card_v = card_.put(v, {total, kv_width}, type_);
    const Tensor out(card_.device(), type_, {total, width});
    card_.device().write_kv({card_k, card_v, card_step, on_card_.layer});
    card_.device().paged_attention({card_q, sizes_.heads, 0.3f, card_step, on_card_.layer, out, window_});
    EXPECT_LT(relative_error(card_.get(out), expected), type_ == DataType::f32 ? 1e-5 : 2 * half_tolerance(type_));
  }

 private:
  struct Cache {
    Tensor memory;
    CacheLayer layer;
    std::vector<std::vector<int32_t>> pages;
  };

  void reserve(Cache& cache, Device& device, WeightFormat format) {
    const CacheFormat pages = device.cache_format(sizes_.kv_heads, sizes_.size, format);
    const int64_t each = 400 / pages.page_tokens + 1;
    const auto count = each * static_cast<int64_t>(positions_.size());
    cache.memory = Tensor(device, DataType::u8, {count, static_cast<int64_t>(pages.page_bytes)});
    cache.layer = {cache.memory.view().data, count, sizes_.kv_heads, sizes_.size, pages};
    std::vector<int32_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    random_.shuffle(order);
    for (size_t i = 0; i < positions_.size(); ++i) {
      const auto first = order.begin() + static_cast<std::ptrdiff_t>(i) * each;
      cache.pages.emplace_back(first, first + each);
    }
  }

  FakeCard& card_;
  Sizes sizes_;
  DataType type_;
  Random& random_;
  int64_t window_;
  std::vector<int64_t> positions_, prompts_;
  Cache cpu_, on_card_;
};

void run(FakeCard& card, const Sizes& sizes, DataType type, uint32_t seed) {
  Random random(seed);
  Both both(card, sizes, type, random, 3);
  both.step({5, 0, 0});    // a prompt
  both.step({1, 130, 0});  // a step beside a prompt longer than a page
  both.step({1, 1, 128});  // and one that fills a page
  both.step({1, 1, 1});
  both.step({125, 1, 1});  // the second part of a prompt
  both.step({1, 0, 1});
  both.step({1, 1, 1});
}

TEST_P(AscendCache, IsTheCpus) {
  FakeCard card(GetParam());
  run(card, {4, 4, 64}, card.half(), 1);
  run(card, {4, 2, 32}, card.half(), 2);  // shared keys
}

TEST_P(AscendCache, OddHeadsAndF32ByTheirParts) {
  FakeCard card(GetParam());
  run(card, {4, 2, 20}, card.half(), 3);
  run(card, {2, 2, 64}, DataType::f32, 4);
}

// Prompts that end within a page, behind one and at the end of one, and windows that begin in the prompt's last page,
// within another and beyond one.
TEST_P(AscendCache, RowsWithAWindowAreTheCpusInOneCall) {
  FakeCard card(GetParam());
  Random random(6);
  for (const int64_t window : {7, 150}) {
    Both both(card, {4, 2, 32}, card.half(), random, 3, window);
    both.step({130, 5, 128});
    both.step({1, 1, 1});
    for (const std::vector<int64_t>& rows : std::vector<std::vector<int64_t>>{
             {5, 9, 1}, {1, 1, 1}, {1, 160, 1}, {1, 1, 160}, {1, 1, 1}, {90, 1, 3}, {1, 0, 1}, {1, 1, 1}}) {
      both.step(rows);
    }
    const uint64_t before = fake_cann_runs("aclnnFusedInferAttentionScoreV2");
    both.step({1, 1, 1});
    EXPECT_EQ(fake_cann_runs("aclnnFusedInferAttentionScoreV2"), before + 1) << window;
  }
}

TEST_P(AscendCache, RowsWithAWindowHaveAsManyCallsAsTheirBiasNeeds) {
  AscendOptions options = testing::fake_options(GetParam());
  options.session.max_bias_bytes = 10000;  // of 3 rows: 4 heads, 3 pages of 128 keys, 2 bytes
  FakeCard card(options);
  Random random(7);
  Both both(card, {4, 2, 32}, card.half(), random, 1, 7);
  both.step({5});
  const uint64_t before = fake_cann_runs("aclnnFusedInferAttentionScoreV2");
  both.step({30});
  EXPECT_EQ(fake_cann_runs("aclnnFusedInferAttentionScoreV2"), before + 10);
}

TEST_P(AscendCache, WithoutTheFusedOperator) {
  FakeCard card(GetParam(), [] { fake_cann_absent("aclnnFusedInferAttentionScoreV2"); });
  run(card, {4, 2, 32}, card.half(), 5);
}

INSTANTIATE_TEST_SUITE_P(Types, AscendCache, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
