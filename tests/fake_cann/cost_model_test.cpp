// Ceilings of what a page asks of a card: scripts/ascend_costs.sh with small weights, whose calls are the same.
#include "fake_cann/costs/cost_model.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lectern::testing {
namespace {

class AscendCosts : public ::testing::TestWithParam<CostOptions> {
 protected:
  static std::vector<StageCosts> measured(CostOptions options) {
    options.narrow = true;
    const auto folder = std::filesystem::path(::testing::TempDir()) /
                        ("ascend_costs_" + options.profile + "_" + std::string(name_of(options.type)));
    std::vector<StageCosts> stages = measure_costs(options, folder);
    std::filesystem::remove_all(folder);
    return stages;
  }
};

TEST_P(AscendCosts, StayBelowTheirCeilings) {
  const bool bf16 = GetParam().type == DataType::bf16;
  const std::vector<StageCosts> stages = measured(GetParam());
  ASSERT_EQ(stages.size(), 5u);
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    SCOPED_TRACE(stage.name + "\n" + stage.calls);
    EXPECT_EQ(c.ai_cpu, 0u);
    EXPECT_EQ(c.full_calls + c.repeated_calls, c.launches);
    EXPECT_GT(stage.predicted_ms(), 0);
    if (stage.name.starts_with("step")) {
      EXPECT_LE(c.full_calls, 12u);
      EXPECT_LE(c.launches, bf16 ? 240u : 300u);
      EXPECT_LE(c.download_bytes, 4096u);
    }
    if (stage.name == "encode1024") {
      EXPECT_LE(c.launches, 600u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, AscendCosts,
                         ::testing::Values(CostOptions{.profile = "8.3.RC1"},
                                           CostOptions{.profile = "8.3.RC1", .type = DataType::f16}),
                         [](const auto& info) { return std::string(name_of(info.param.type)); });

// The larger of host and card, and the waits.
TEST(CostModel, AddsUpWhatIsCounted) {
  StageCosts stage;
  stage.counts.launches = 10;
  stage.counts.full_calls = 2;
  stage.counts.repeated_calls = 8;
  stage.counts.waits = 1;
  EXPECT_DOUBLE_EQ(stage.predicted_ms(), (2 * 27 + 8 * 4 + 10) / 1000.0);
  stage.counts.bytes = 1.6e9;
  EXPECT_DOUBLE_EQ(stage.predicted_ms(), (10 * 7 + 1000 + 10) / 1000.0);
  stage.counts.ai_cpu = 1;
  stage.counts.hidden_copies = 2;
  EXPECT_DOUBLE_EQ(stage.predicted_ms(), (12 * 7 + 1000 + 1000 + 10) / 1000.0);
}

}  // namespace
}  // namespace lectern::testing
