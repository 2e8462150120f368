#include <gtest/gtest.h>

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

class AscendExperts : public ::testing::TestWithParam<DataType> {};

struct Case {
  int64_t rows, width, inner;
  int experts, top_k;
  bool renormalise = false;
  float scale = 1;
  bool together = true;  // gates and ups are one block of memory
};

void check(FakeCard& card, Random& random, const Case& c) {
  std::vector<std::vector<float>> kept;
  std::vector<Expert> on_cpu(static_cast<size_t>(c.experts));
  std::vector<Expert> on_card(static_cast<size_t>(c.experts));
  const auto make = [&](size_t expert, Weight Expert::*part) {
    const bool down = part == &Expert::down;
    const Shape shape = down ? Shape{c.width, c.inner} : Shape{c.inner, c.width};
    const std::vector<float>& values = kept.emplace_back(rounded(random.values(shape.elements(), 0.3f), card.half()));
    on_cpu[expert].*part = cpu_device().make_weight(view_of(values, shape), WeightFormat::f32);
    on_card[expert].*part = card.device().make_weight(view_of(values, shape), WeightFormat::bf16);
  };
  kept.reserve(static_cast<size_t>(c.experts) * 3);
  for (size_t i = 0; i < on_cpu.size(); ++i) {
    for (const auto part : {&Expert::gate, &Expert::up, &Expert::down}) make(i, part);
  }
  const ExpertBank cpu_bank = bank_of(cpu_device(), on_cpu);
  ExpertBank card_bank = bank_of(card.device(), on_card);
  EXPECT_TRUE(card_bank.gates_and_ups.together && card_bank.downs.together);
  if (!c.together) card_bank.gates_and_ups.together = {};
  const std::vector<float> router_values = random.values(c.experts * c.width);
  const Weight cpu_router = cpu_device().make_weight(view_of(router_values, {c.experts, c.width}), WeightFormat::f32);
  const Weight card_router = card.device().make_weight(view_of(router_values, {c.experts, c.width}), WeightFormat::f32);
  const std::vector<float> x = rounded(random.values(c.rows * c.width), card.half());
  std::vector<float> expected = random.values(c.rows * c.width);
  const Tensor out = card.put(expected, {c.rows, c.width});
  cpu_device().experts({.in = view_of(x, {c.rows, c.width}),
                        .router = cpu_router,
                        .experts = cpu_bank,
                        .top_k = c.top_k,
                        .renormalise = c.renormalise,
                        .scale = c.scale,
                        .out = view_of(expected, {c.rows, c.width})});
  const Tensor card_x = card.put(x, {c.rows, c.width}, card.half());
  card.device().experts({.in = card_x,
                         .router = card_router,
                         .experts = card_bank,
                         .top_k = c.top_k,
                         .renormalise = c.renormalise,
                         .scale = c.scale,
                         .out = out});
  EXPECT_LT(relative_error(card.get(out), expected), 2 * half_tolerance(card.half()))
      << c.rows << " rows, " << c.top_k << " of " << c.experts;
}

const std::vector<Case> cases = {{1, 64, 32, 8, 3},
                                 {17, 64, 48, 8, 2},
                                 {5, 96, 32, 64, 6},
                                 {3, 80, 36, 5, 2, true, 2.5f},
                                 {4, 64, 32, 4, 4, false, 1, false}};

TEST_P(AscendExperts, AreTheCpus) {
  Random random(1);
  FakeCard card(GetParam());
  for (const Case& c : cases) check(card, random, c);
}

// Gates and ups are moved together from the pieces of memory that weights are put into.
TEST_P(AscendExperts, GateAndUpAreOneProduct) {
  Random random(2);
  FakeCard card(GetParam());
  const uint64_t before = fake_cann_runs("aclnnGroupedMatmulV5");
  check(card, random, {2, 512, 1024, 16, 2});  // 1 MiB each, more than a piece of memory holds
  EXPECT_EQ(fake_cann_runs("aclnnGroupedMatmulV5") - before, 2u);
}

TEST_P(AscendExperts, WithTheOlderOperator) {
  Random random(3);
  FakeCard card(GetParam(), [] { fake_cann_set_version("8.1.RC1"); });
  for (const Case& c : cases) check(card, random, c);
  EXPECT_EQ(fake_cann_runs("aclnnGroupedMatmulV5"), 0u);
}

TEST_P(AscendExperts, WithoutSwiGlu) {
  Random random(4);
  FakeCard card(GetParam(), [] { fake_cann_absent("aclnnSwiGlu"); });
  for (const Case& c : cases) check(card, random, c);
}

INSTANTIATE_TEST_SUITE_P(Types, AscendExperts, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
