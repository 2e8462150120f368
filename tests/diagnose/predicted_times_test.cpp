#include "diagnose/predicted_times.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

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

TEST(PredictedTimes, CountWhatCardsTellEachOther) {
  StageWork work;
  work.ranks = 4;
  work.exchanges = 2;
  work.exchange_bytes = 19.3e6;
  EXPECT_DOUBLE_EQ(work.host_ms(), 2 * 27 / 1000.0);
  EXPECT_DOUBLE_EQ(work.card_ms(), (2 * 15 + 2 * 1000 / 4.0) / 1000.0);
  EXPECT_EQ((work + work).exchanges, 4u);
}

// docs/parallel.md has the table as the cost model has it.
TEST(PredictedTimes, OfSeveralCardsAreThoseOfTheDocument) {
  std::ifstream file(LECTERN_DOCS "/parallel.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  std::string table;
  for (const std::string& line : table_of(published_ranks())) table += line + "\n";
  EXPECT_THAT(document, ::testing::HasSubstr(table)) << "run scripts/ascend_costs.sh --ranks";
}

TEST(PredictedTimes, OfSeveralCardsAreThereForWhatIsMeasured) {
  ASSERT_EQ(published_ranks().size(), 4u);
  double before = 0;
  for (const RankCosts& of : published_ranks()) {
    EXPECT_EQ(of.step1.ranks, of.ranks);
    EXPECT_EQ(of.step1.exchanges > 0, of.ranks > 1);
    const double many = 32 / of.step32.predicted_ms();
    EXPECT_GT(many, before) << of.ranks;
    before = many;
    if (of.ranks == 1) continue;
    for (const char* stage : {"page6", "prefill913", "step1", "step32"})
      EXPECT_GT(predicted_ms(stage, of.ranks).value_or(0), 1) << stage;
    EXPECT_FALSE(predicted_ms("step8", of.ranks).has_value());
  }
  EXPECT_FALSE(predicted_ms("step1", 3).has_value());
  EXPECT_EQ(published_ranks().front().step1.predicted_ms(), predicted_ms("step1"));
}

}  // namespace
}  // namespace lectern
