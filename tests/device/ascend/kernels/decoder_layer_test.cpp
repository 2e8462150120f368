#include <gtest/gtest.h>

#include <numeric>

#include "support/experts.h"
#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using testing::bank_of;
using testing::Expert;
using testing::FakeCard;
using testing::half_tolerance;
using testing::Random;
using testing::relative_error;
using testing::rounded;
using testing::view_of;

constexpr int64_t rows = 6, hidden = 64;
constexpr int heads = 2, size = 128;

class AscendDecoderLayer : public ::testing::TestWithParam<DataType> {
 protected:
  // Weights of both devices, of the same values.
  struct WeightPair {
    WeightPair(FakeCard& card, Random& random, int64_t out, int64_t in, WeightFormat format = WeightFormat::bf16)
        : values(rounded(random.values(out * in, 0.3f), card.half())),
          on_cpu(cpu_device().make_weight(view_of(values, {out, in}), WeightFormat::f32)),
          on_card(card.device().make_weight(view_of(values, {out, in}), format)) {}
    std::vector<float> values;
    Weight on_cpu, on_card;
  };

  // Of one sequence, on either device.
  struct Cache {
    Cache(Device& device, DataType type)
        : format(device.cache_format(heads, size, type == DataType::f32 ? WeightFormat::f32 : WeightFormat::bf16)),
          memory(device, DataType::u8, {2, static_cast<int64_t>(format.page_bytes)}),
          layer{memory.view().data, 2, heads, size, format} {}
    CacheFormat format;
    Tensor memory;
    CacheLayer layer;
    std::vector<int32_t> pages = {1, 0};
  };
};

// What waits for the norm is added to the stream, and the stream goes on in another tensor.
TEST_P(AscendDecoderLayer, ProjectsASum) {
  Random random(1);
  FakeCard card(GetParam());
  const bool waits = card.device().compute_types(WeightFormat::bf16).residual == GetParam();
  EXPECT_EQ(waits, GetParam() == DataType::bf16) << "f16 has not the range";
  const WeightPair q(card, random, heads * size, hidden), k(card, random, heads * size, hidden),
      v(card, random, heads * size, hidden);
  const WeightStack qkv_on_cpu{{q.on_cpu, k.on_cpu, v.on_cpu}};
  const WeightStack qkv_on_card = card.device().stack({q.on_card, k.on_card, v.on_card});
  const std::vector<float> x = rounded(random.values(rows * hidden), card.half());
  const std::vector<float> added = rounded(random.values(rows * hidden), card.half());
  const std::vector<float> norm = rounded(random.values(hidden), card.half());
  std::vector<float> sums(x.size());
  for (size_t i = 0; i < x.size(); ++i) sums[i] = x[i] + (waits ? added[i] : 0);
  if (waits) sums = rounded(sums, card.half());

  std::vector<float> expected(static_cast<size_t>(rows * heads * size));
  const Cache cpu_cache(cpu_device(), DataType::f32);
  const std::array<SequenceRows, 1> cpu_rows = {{{0, rows, 0, cpu_cache.pages}}};
  const StepBatch cpu_step(cpu_device(), cpu_rows, cpu_cache.format.page_tokens);
  const auto queries = view_of(expected, {rows, heads * size});
  cpu_device().project_qkv({.x = view_of(sums, {rows, hidden}),
                            .norm = view_of(norm, {hidden}),
                            .qkv = qkv_on_cpu,
                            .heads = heads,
                            .step = cpu_step,
                            .cache = cpu_cache.layer,
                            .queries = queries});
  std::vector<float> attended(expected.size());
  cpu_device().paged_attention(
      {queries, heads, 0.05f, cpu_step, cpu_cache.layer, view_of(attended, {rows, heads * size})});

  const Cache cache(card.device(), card.half());
  const std::array<SequenceRows, 1> sequences = {{{0, rows, 0, cache.pages}}};
  const StepBatch step(card.device(), sequences, cache.format.page_tokens);
  const DataType stream = waits ? card.half() : DataType::f32;
  const Tensor card_x = card.put(x, {rows, hidden}, stream);
  const Tensor card_added = card.put(added, {rows, hidden}, card.half());
  const Tensor card_norm = card.put(norm, {hidden});
  const Tensor sum(card.device(), stream, {rows, hidden});
  const Tensor card_queries(card.device(), card.half(), {rows, heads * size});
  ProjectQkvArgs args = {.x = card_x,
                         .norm = card_norm,
                         .qkv = qkv_on_card,
                         .heads = heads,
                         .step = step,
                         .cache = cache.layer,
                         .queries = card_queries};
  if (waits) {
    args.pending = card_added;
    args.sum = sum;
  }
  const uint64_t launches = fake_cann_costs().launches;
  card.device().project_qkv(args);
  // Norm (and cast), products, rotation, cache; the weight of the norm in bf16, the first time.
  EXPECT_EQ(fake_cann_costs().launches - launches, 5u);
  EXPECT_LT(relative_error(card.get(card_queries), expected), 2 * half_tolerance(GetParam()));
  if (waits) {
    EXPECT_EQ(card.get(sum), sums);
  }
  const Tensor out(card.device(), card.half(), {rows, heads * size});
  card.device().paged_attention({card_queries, heads, 0.05f, step, cache.layer, out});
  EXPECT_LT(relative_error(card.get(out), attended), 3 * half_tolerance(GetParam()));
}

TEST_P(AscendDecoderLayer, GivesWhatTheExpertsAddOrAddsIt) {
  constexpr int64_t inner = 32;
  for (const bool routed : {true, false}) {
    for (const bool shared : {true, false}) {
      if (!routed && !shared) continue;
      for (const bool last : {true, false}) {
        SCOPED_TRACE(std::string(routed ? "routed " : "") + (shared ? "shared " : "") + (last ? "last" : ""));
        Random random(2);
        FakeCard card(GetParam());
        const bool waits = GetParam() == DataType::bf16;
        const WeightPair router(card, random, 8, hidden, WeightFormat::f32);
        std::vector<WeightPair> weights;
        weights.reserve(27);
        std::vector<Expert> on_cpu, on_card;
        for (int e = 0; e < 9; ++e) {
          const WeightPair& gate = weights.emplace_back(card, random, inner, hidden);
          const WeightPair& up = weights.emplace_back(card, random, inner, hidden);
          const WeightPair& down = weights.emplace_back(card, random, hidden, inner);
          on_cpu.push_back({gate.on_cpu, up.on_cpu, down.on_cpu});
          on_card.push_back({gate.on_card, up.on_card, down.on_card});
        }
        const ExpertBank none;
        const std::array cpu_banks = {bank_of(cpu_device(), {on_cpu.begin(), on_cpu.begin() + 8}),
                                      bank_of(cpu_device(), {on_cpu[8]})};
        const std::array card_banks = {bank_of(card.device(), {on_card.begin(), on_card.begin() + 8}),
                                       bank_of(card.device(), {on_card[8]})};
        const std::vector<float> x = rounded(random.values(rows * hidden), card.half());
        const std::vector<float> added = rounded(random.values(rows * hidden), card.half());
        const std::vector<float> norm = rounded(random.values(hidden), card.half());
        std::vector<float> sums(x.size());
        for (size_t i = 0; i < x.size(); ++i) sums[i] = x[i] + (waits ? added[i] : 0);
        if (waits) sums = rounded(sums, card.half());
        std::vector<float> expected = sums;
        const auto args_of = [&](const MutableTensorView& stream, const TensorView& weight, const Weight& routing,
                                 const std::array<ExpertBank, 2>& banks, DataType type) {
          return MixtureOfExpertsArgs{.x = stream,
                                      .norm = weight,
                                      .compute_type = type,
                                      .router = routing,
                                      .experts = routed ? banks[0] : none,
                                      .top_k = 2,
                                      .shared = shared ? banks[1] : none};
        };
        cpu_device().mixture_of_experts(args_of(view_of(expected, {rows, hidden}), view_of(norm, {hidden}),
                                                router.on_cpu, cpu_banks, DataType::f32));

        const DataType stream = waits ? card.half() : DataType::f32;
        const Tensor card_x = card.put(x, {rows, hidden}, stream);
        const Tensor card_added = card.put(added, {rows, hidden}, card.half());
        const Tensor card_norm = card.put(norm, {hidden});
        const Tensor sum(card.device(), stream, {rows, hidden});
        const Tensor rest(card.device(), stream, {rows, hidden});
        MixtureOfExpertsArgs args = args_of(card_x, card_norm, router.on_card, card_banks, card.half());
        if (waits) {
          args.pending = card_added;
          args.sum = sum;
          if (!last) args.rest = rest;
        }
        card.device().mixture_of_experts(args);
        if (!waits || last) {
          EXPECT_LT(relative_error(card.get(waits ? sum : card_x), expected), 2 * half_tolerance(GetParam()));
          continue;
        }
        EXPECT_EQ(card.get(sum), sums);
        std::vector<float> difference(expected.size());
        for (size_t i = 0; i < expected.size(); ++i) difference[i] = expected[i] - sums[i];
        EXPECT_LT(relative_error(card.get(rest), difference), 3 * half_tolerance(GetParam()));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, AscendDecoderLayer, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
