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

class AscendRope : public ::testing::TestWithParam<DataType> {};

void check(FakeCard& card, int heads, int64_t size) {
  Random random(static_cast<uint32_t>(size));
  const std::vector<SequenceRows> sequences = {{0, 4, 0}, {4, 1, 700}, {5, 3, 41}};
  const int64_t rows = 8;
  std::vector<float> expected = rounded(random.values(rows * heads * size), card.half());
  const Shape shape = {rows, heads * size};
  for (const DataType type : {card.half(), DataType::f32}) {
    std::vector<float> values = expected;
    const Tensor x = card.put(values, shape, type);
    card.device().rope({x, heads, 1e4f, StepBatch(card.device(), sequences)});
    cpu_device().rope({view_of(values, shape), heads, 1e4f, StepBatch(cpu_device(), sequences)});
    EXPECT_LT(relative_error(card.get(x), values), type == DataType::f32 ? 1e-5 : half_tolerance(type)) << size;
  }
}

TEST_P(AscendRope, IsTheCpus) {
  FakeCard card(GetParam());
  const uint64_t before = fake_cann_runs("aclnnApplyRotaryPosEmb");
  check(card, 10, 128);
  EXPECT_EQ(fake_cann_runs("aclnnApplyRotaryPosEmb") - before, 2u);
  check(card, 3, 64);  // from 8.5 on
  check(card, 4, 20);  // no operator has it
  EXPECT_EQ(fake_cann_runs("aclnnApplyRotaryPosEmb") - before, 2u);
}

TEST_P(AscendRope, TurnsHeadsOf64InPlaceWhereCannDoes) {
  FakeCard card(GetParam(), [] { fake_cann_set_version("8.5.0"); });
  const uint64_t before = fake_cann_runs("aclnnApplyRotaryPosEmb");
  check(card, 3, 64);
  EXPECT_EQ(fake_cann_runs("aclnnApplyRotaryPosEmb") - before, 2u);
}

TEST_P(AscendRope, ByTheOtherOperatorOrByParts) {
  for (const char* version : {"8.1.RC1", "8.5.0"}) {
    FakeCard card(GetParam(), [&] {
      fake_cann_set_version(version);
      fake_cann_absent("aclnnApplyRotaryPosEmb");
    });
    check(card, 3, 64);
    check(card, 4, 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, AscendRope, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
