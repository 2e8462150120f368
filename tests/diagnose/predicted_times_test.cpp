#include "diagnose/predicted_times.h"

#include <gtest/gtest.h>

#include <set>

namespace lectern {
namespace {

// The larger of host and card, and the waits.
TEST(PredictedTimes, AddUpWhatIsCounted) {
  StageWork work;
  work.launches = 10;
  work.full_calls = 2;
  work.repeated_calls = 8;
  work.waits = 1;
  EXPECT_DOUBLE_EQ(work.predicted_ms(), (2 * 27 + 8 * 4 + 10) / 1000.0);
  work.bytes = 1.6e9;
  EXPECT_DOUBLE_EQ(work.predicted_ms(), (10 * 7 + 1000 + 10) / 1000.0);
  work.ai_cpu = 1;
  work.hidden_copies = 2;
  EXPECT_DOUBLE_EQ(work.predicted_ms(), (12 * 7 + 1000 + 1000 + 10) / 1000.0);
  work.graph_launches = 100;
  work.uploads = 10;
  EXPECT_DOUBLE_EQ(work.host_ms(), (2 * 27 + 8 * 4 + 100 * 30 + 10 * 5) / 1000.0);
}

TEST(PredictedTimes, AreThereForEveryStageThatIsMeasured) {
  std::set<std::string_view> names;
  for (const PublishedStage& stage : published_stages()) {
    EXPECT_TRUE(names.insert(stage.name).second) << stage.name;
    EXPECT_LE(stage.work.full_calls + stage.work.repeated_calls, stage.work.launches) << stage.name;
    EXPECT_EQ(stage.work.ai_cpu, 0u) << stage.name;
  }
  double before = 0;
  for (const char* step : {"step1", "step8", "step16", "step32"}) {
    EXPECT_GT(predicted_ms(step).value_or(0), before) << step;
    before = predicted_ms(step).value_or(0);
  }
  for (const char* stage : {"encode1024", "tiles6", "prefill913"})
    EXPECT_GT(predicted_ms(stage).value_or(0), 1) << stage;
  EXPECT_FALSE(predicted_ms("step7").has_value());
}

}  // namespace
}  // namespace lectern
