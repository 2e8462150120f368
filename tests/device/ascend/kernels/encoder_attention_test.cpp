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

class AscendAttention : public ::testing::TestWithParam<DataType> {};

struct Case {
  int64_t batch, height, width;
  int heads;
  int64_t size;
  int window = 0;
  bool relative = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "[" << c.batch << ", " << c.height << ", " << c.width << "] heads " << c.heads << " of " << c.size
             << " window " << c.window << (c.relative ? " relative" : "");
}

void check(FakeCard& card, Random& random, const Case& c, DataType type) {
  const int64_t channels = c.heads * c.size;
  const int64_t rows = c.window > 0 ? c.window : c.height;
  const int64_t columns = c.window > 0 ? c.window : c.width;
  const Shape shape = {c.batch, c.height, c.width, 3 * channels};
  const Shape out_shape = {c.batch, c.height, c.width, channels};
  const std::vector<float> qkv = rounded(random.values(shape.elements()), card.half());
  const std::vector<float> padding = rounded(random.values(3 * channels), card.half());
  const std::vector<float> down = rounded(random.values((2 * rows - 1) * c.size, 0.5f), card.half());
  const std::vector<float> across = rounded(random.values((2 * columns - 1) * c.size, 0.5f), card.half());
  std::vector<float> expected(static_cast<size_t>(out_shape.elements()));
  AttentionArgs args = {.qkv = view_of(qkv, shape),
                        .heads = c.heads,
                        .scale = 0.2f,
                        .window = c.window,
                        .padding = view_of(padding, {3 * channels}),
                        .out = view_of(expected, out_shape)};
  if (c.relative) {
    args.relative_height = view_of(down, {2 * rows - 1, c.size});
    args.relative_width = view_of(across, {2 * columns - 1, c.size});
  }
  cpu_device().attention(args);

  const Tensor card_qkv = card.put(qkv, shape, type);
  const Tensor card_padding = card.put(padding, {3 * channels});
  const Tensor card_down = card.put(down, {2 * rows - 1, c.size});
  const Tensor card_across = card.put(across, {2 * columns - 1, c.size});
  const Tensor out(card.device(), type, out_shape);
  AttentionArgs card_args = {
      .qkv = card_qkv, .heads = c.heads, .scale = 0.2f, .window = c.window, .padding = card_padding, .out = out};
  if (c.relative) {
    card_args.relative_height = card_down;
    card_args.relative_width = card_across;
  }
  card.device().attention(card_args);
  EXPECT_LT(relative_error(card.get(out), expected), type == DataType::f32 ? 1e-4 : 2 * half_tolerance(type)) << c;
}

// As of DeepSeek-OCR-2's encoder: heads that share keys, pictures that see themselves, queries that see both.
void check_causal(FakeCard& card, Random& random, int64_t views, int64_t places, int64_t prefix, int heads,
                  int kv_heads) {
  constexpr int64_t size = 32;
  const Shape shape = {views, 1, places, (heads + 2 * kv_heads) * size};
  const Shape out_shape = {views, 1, places, heads * size};
  const std::vector<float> qkv = rounded(random.values(shape.elements()), card.half());
  std::vector<float> expected(static_cast<size_t>(out_shape.elements()));
  AttentionArgs args = {.qkv = view_of(qkv, shape),
                        .heads = heads,
                        .scale = 0.2f,
                        .out = view_of(expected, out_shape),
                        .kv_heads = kv_heads,
                        .causal = true,
                        .prefix = prefix};
  cpu_device().attention(args);
  const Tensor card_qkv = card.put(qkv, shape, card.half());
  const Tensor out(card.device(), card.half(), out_shape);
  args.qkv = card_qkv;
  args.out = out;
  card.device().attention(args);
  EXPECT_LT(relative_error(card.get(out), expected), 2 * half_tolerance(card.half()))
      << views << " views of " << places << ", " << prefix << " before";
}

// Heads of 20 do not fit the fused operator: they are worked on by its parts.
const std::vector<Case> cases = {
    {1, 1, 37, 3, 64},           {2, 1, 10, 2, 32},          {1, 8, 8, 2, 32, 0, true}, {2, 6, 9, 2, 64, 0, true},
    {1, 12, 12, 3, 32, 4, true}, {2, 11, 9, 2, 32, 4, true}, {1, 3, 9, 1, 16, 4, true}, {1, 9, 3, 1, 16, 4, false},
    {1, 5, 5, 2, 20, 0, true},   {1, 7, 5, 1, 20, 3, true},
};

TEST_P(AscendAttention, IsTheCpus) {
  Random random(1);
  FakeCard card(GetParam());
  for (const Case& c : cases) check(card, random, c, card.half());
}

TEST_P(AscendAttention, InF32ByItsParts) {
  Random random(2);
  FakeCard card(GetParam());
  const uint64_t before = fake_cann_runs("aclnnPromptFlashAttentionV3");
  for (const Case& c : cases) check(card, random, c, DataType::f32);
  EXPECT_EQ(fake_cann_runs("aclnnPromptFlashAttentionV3"), before);
}

TEST_P(AscendAttention, WithoutTheOneOrTheOtherOperator) {
  Random random(3);
  for (const char* absent :
       {"aclnnPromptFlashAttentionV3", "aclnnPromptFlashAttentionV3,aclnnFusedInferAttentionScoreV2"}) {
    FakeCard card(GetParam(), [&] { fake_cann_absent(absent); });
    for (const Case& c : cases) check(card, random, c, card.half());
    for (const int64_t prefix : {0, 8, 9}) check_causal(card, random, 2, 9, prefix, 4, 2);
  }
}

TEST_P(AscendAttention, WritesTheBiasOutInBlocks) {
  Random random(4);
  AscendOptions options = testing::fake_options(GetParam());
  options.session.max_bias_bytes = 20000;
  FakeCard card(options);
  const auto calls_of = [&](const Case& c) {
    const uint64_t before = fake_cann_runs("aclnnPromptFlashAttentionV3");
    check(card, random, c, card.half());
    return fake_cann_runs("aclnnPromptFlashAttentionV3") - before;
  };
  EXPECT_EQ(calls_of({2, 9, 7, 2, 16, 0, true}), 2u);    // 15.9 kB a view
  EXPECT_EQ(calls_of({1, 12, 12, 1, 16, 4, true}), 1u);  // 9 windows of 0.5 kB
  EXPECT_EQ(calls_of({1, 13, 10, 2, 16, 0, true}), 5u);  // 5.2 kB a line of queries: 3 lines a block
  EXPECT_EQ(calls_of({2, 1, 101, 2, 16, 0, true}), 2u);  // 40 kB a line: less is not possible
}

TEST_P(AscendAttention, CausalWithAPrefixIsTheCpusInTwoCalls) {
  Random random(5);
  FakeCard card(GetParam());
  uint64_t before = fake_cann_runs("aclnnPromptFlashAttentionV3");
  for (const int64_t views : {1, 3}) check_causal(card, random, views, 20, 10, 4, 2);
  EXPECT_EQ(fake_cann_runs("aclnnPromptFlashAttentionV3"), before + 4);
  before = fake_cann_runs("aclnnPromptFlashAttentionV3");
  for (const int64_t prefix : {0, 9, 30}) check_causal(card, random, 2, 9, prefix, 2, 2);
  EXPECT_EQ(fake_cann_runs("aclnnPromptFlashAttentionV3"), before + 3);
  check_causal(card, random, 2, 9, 8, 3, 1);
}

INSTANTIATE_TEST_SUITE_P(Types, AscendAttention, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
