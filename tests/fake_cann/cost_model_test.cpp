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
    if (stage.name == "tiles6") {
      EXPECT_LE(c.launches, 610u);
      EXPECT_EQ(c.graph_launches, graphs ? 36u : 0u);
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
                                           CostOptions{.profile = "8.3.RC1", .graphs = false},
                                           CostOptions{.profile = "8.1.RC1"}, CostOptions{.profile = "8.5.0"}),
                         [](const auto& info) {
                           std::string name(name_of(info.param.type));
                           for (const char c : info.param.profile == "8.3.RC1" ? "" : "On" + info.param.profile)
                             name += c == '.' ? '_' : c;
                           return name + (info.param.graphs ? "" : "WithoutGraphs");
                         });

// What `lectern doctor` sets beside its measurements is what is counted, but for bytes, which small weights have fewer
// of.
TEST(CostModel, IsWhatTheDoctorPredicts) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "ascend_costs_published";
  const std::vector<StageCosts> counted = measure_costs({.narrow = true}, folder);
  std::filesystem::remove_all(folder);
  for (const StageCosts& stage : counted) {
    SCOPED_TRACE(stage.name);
    const auto published = std::ranges::find(published_stages(), stage.name, &PublishedStage::name);
    ASSERT_NE(published, published_stages().end());
    const StageWork &work = published->work, got = stage.work();
    EXPECT_NEAR(static_cast<double>(got.launches), static_cast<double>(work.launches), 0.05 * work.launches);
    EXPECT_EQ(got.full_calls, work.full_calls);
    EXPECT_EQ(got.graph_launches, work.graph_launches);
    EXPECT_EQ(got.waits, work.waits);
  }
}

// What docs/parallel.md and the doctor have of two cards is what is counted, but for bytes and arithmetic.
TEST(CostModel, IsWhatIsPredictedOfSeveralCards) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "ascend_costs_ranks";
  const RankCosts counted = measure_ranks({.ranks = 2, .narrow = true}, folder);
  std::filesystem::remove_all(folder);
  const auto published = std::ranges::find(published_ranks(), 2, &RankCosts::ranks);
  ASSERT_NE(published, published_ranks().end());
  for (const auto& [name, part] : {std::pair("prefill913", &RankCosts::prefill913),
                                   {"step1", &RankCosts::step1},
                                   {"step32", &RankCosts::step32}}) {
    SCOPED_TRACE(name);
    const StageWork &got = counted.*part, &work = (*published).*part;
    EXPECT_EQ(got.ai_cpu, 0u);
    EXPECT_NEAR(static_cast<double>(got.launches), static_cast<double>(work.launches), 0.05 * work.launches);
    EXPECT_EQ(got.full_calls, work.full_calls);
    EXPECT_EQ(got.graph_launches, work.graph_launches);
    EXPECT_EQ(got.waits, work.waits);
    EXPECT_EQ(got.exchanges, work.exchanges);
    EXPECT_EQ(got.exchange_bytes, work.exchange_bytes);
  }
}

}  // namespace
}  // namespace lectern::testing
