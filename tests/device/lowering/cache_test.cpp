// The cache and causal attention over it from copies and products: sequences take steps together on a device without
// either, and on the CPU, whose cache is its own.
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::Random;
using testing::relative_error;
using testing::rounding;
using testing::TypedValues;

constexpr int64_t pages_each = 6;

// The cache of one layer, with pages for every sequence in an order of its own.
struct Cache {
  Cache(Device& device, Random& random, int kv_heads, int head_size, int64_t sequences)
      : format(device.cache_format(kv_heads, head_size, WeightFormat::f32)),
        memory(device, DataType::u8, {sequences * pages_each * static_cast<int64_t>(format.page_bytes)}),
        layer{memory.view().data, sequences * pages_each, kv_heads, head_size, format},
        pages(static_cast<size_t>(sequences * pages_each)) {
    std::iota(pages.begin(), pages.end(), 0);
    random.shuffle(pages);
  }
  std::span<const int32_t> pages_of(int64_t sequence) const {
    return std::span(pages).subspan(static_cast<size_t>(sequence * pages_each), pages_each);
  }
  CacheFormat format;
  Tensor memory;
  CacheLayer layer;
  std::vector<int32_t> pages;
};

void check(Device& device, Random& random) {
  const int kv_heads = static_cast<int>(random.between(1, 3));
  const int heads = kv_heads * static_cast<int>(random.between(1, 3));
  const int size = 2 * static_cast<int>(random.between(1, 20));
  const int64_t sequences = random.between(1, 3);
  const DataType type = any_type(random);
  const Cache own(cpu_device(), random, kv_heads, size, sequences);
  const Cache replaced(device, random, kv_heads, size, sequences);
  const int64_t window = random.coin() ? random.between(1, 90) : 0;
  std::vector<int64_t> lengths(static_cast<size_t>(sequences)), prompts;
  for (int64_t i = 0; i < sequences; ++i) prompts.push_back(random.between(0, 120));
  for (int step = 0; step < 4; ++step) {
    std::vector<SequenceRows> for_own, for_replaced;
    int64_t rows = 0;
    for (int64_t i = 0; i < sequences; ++i) {
      const int64_t count = random.coin() ? 1 : random.between(1, step == 0 ? 150 : 60);
      int64_t& length = lengths[static_cast<size_t>(i)];
      const int64_t prompt = prompts[static_cast<size_t>(i)];
      for_own.push_back({rows, count, length, own.pages_of(i), prompt});
      for_replaced.push_back({rows, count, length, replaced.pages_of(i), prompt});
      length += count;
      rows += count;
    }
    const TypedValues q(random, type, {rows, heads * size}, 3);
    const TypedValues k(random, type, {rows, kv_heads * size});
    const TypedValues v(random, type, {rows, kv_heads * size});
    const Tensor expected(cpu_device(), DataType::f32, q.tensor.shape());
    const Tensor result(cpu_device(), type, q.tensor.shape());
    const StepBatch own_step(cpu_device(), for_own, own.layer.format.page_tokens);
    const StepBatch replaced_step(device, for_replaced, replaced.layer.format.page_tokens);
    cpu_device().write_kv({k.f32(), v.f32(), own_step, own.layer});
    cpu_device().paged_attention({q.f32(), heads, 0.3f, own_step, own.layer, expected, window});
    device.write_kv({k.tensor, v.tensor, replaced_step, replaced.layer});
    device.paged_attention({q.tensor, heads, 0.3f, replaced_step, replaced.layer, result, window});
    EXPECT_LT(relative_error(floats_of(result), floats_of(expected)), rounding(type))
        << "step " << step << ", window " << window;
  }
}

TEST(LoweredCache, StepsEqualTheCpus) {
  for (const char* without : {"write_kv", "paged_attention", "all"}) {
    SCOPED_TRACE(without);
    Random random(1);
    const auto device = make_cpu_device(parse_operators(without));
    for (int round = 0; round < 12; ++round) check(*device, random);
  }
}

TEST(LoweredCache, WritingAndAttentionAreReplacedTogether) {
  for (const char* without : {"write_kv", "paged_attention"}) {
    const auto device = make_cpu_device(parse_operators(without));
    EXPECT_NE(device->operators().lowering(Operator::write_kv, DataType::f32), nullptr);
    EXPECT_NE(device->operators().lowering(Operator::paged_attention, DataType::f32), nullptr);
    EXPECT_NE(device->cache_format(2, 32, WeightFormat::f32).page_bytes, 0u);
  }
}

}  // namespace
}  // namespace lectern
