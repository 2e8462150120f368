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
                        ("ascend_costs_" + options.profile + "_" + std::string(name_of(options.type)) +
                         (options.graphs ? "_graphs" : ""));
    std::vector<StageCosts> stages = measure_costs(options, folder);
    std::filesystem::remove_all(folder);
    return stages;
  }
};

// Of a step of the published model: scripts/ascend_costs.sh. Small weights have its calls, not its bytes.
double published_ms(StageCosts step) {
  const bool many = step.name == "step32";
  step.counts.bytes = many ? 7.5e9 : 1.2e9;
  step.counts.operations = many ? 39e9 : 1.2e9;
  return step.predicted_ms();
}

TEST_P(AscendCosts, StayBelowTheirCeilings) {
  const bool graphs = GetParam().graphs;
  const bool bf16 = GetParam().type == DataType::bf16;
  const std::vector<StageCosts> stages = measured(GetParam());
  ASSERT_EQ(stages.size(), 5u);
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    SCOPED_TRACE(stage.name + "\n" + stage.calls);
    EXPECT_EQ(c.ai_cpu, 0u);
    EXPECT_EQ(c.full_calls + c.repeated_calls + c.replayed, c.launches);
    EXPECT_GT(stage.predicted_ms(), 0);
    const bool is_step = stage.name.starts_with("step");
    if (is_step) {
      EXPECT_LE(c.full_calls, 12u);
      EXPECT_LE(c.launches, bf16 ? 240u : 300u);
      EXPECT_LE(c.download_bytes, 4096u);
      EXPECT_EQ(c.graph_launches, graphs ? 12u : 0u);  // from one attention to the next
      EXPECT_LE(stage.host_ms(), graphs ? 0.9 : 1.5);
      const double tokens = stage.name == "step32" ? 32 : 1;
      if (bf16) {
        EXPECT_GE(tokens / published_ms(stage) * 1000, tokens > 1 ? 2500 : 400) << published_ms(stage) << " ms";
      }
    }
    if (stage.name == "encode1024") {
      EXPECT_LE(c.launches, 600u);
      EXPECT_EQ(c.graph_launches, graphs ? 36u : 0u);  // a layer each
      if (graphs) {
        EXPECT_LE(stage.host_ms(), 2.5);
      }
    }
    if (stage.name == "prefill913") {
      EXPECT_EQ(c.graph_launches, 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, AscendCosts,
                         ::testing::Values(CostOptions{.profile = "8.3.RC1"},
                                           CostOptions{.profile = "8.3.RC1", .type = DataType::f16},
                                           CostOptions{.profile = "8.3.RC1", .graphs = false}),
                         [](const auto& info) {
                           return std::string(name_of(info.param.type)) + (info.param.graphs ? "" : "WithoutGraphs");
                         });

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
