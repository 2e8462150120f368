#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;
using Keys = std::set<std::string>;

Keys keys_of(const nlohmann::json& object) {
  Keys keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// Scripts and docs/performance.md are made from these keys.
TEST(BenchCommand, WritesEveryFigureAsJson) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "bench --json --tokens 2 --operators");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const nlohmann::json figures = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(keys_of(figures), (Keys{"company", "cpu", "decode", "encode", "limits", "load_s", "operators", "peak",
                                    "peak_rss_bytes", "prefill", "spread", "threads", "version", "weights"}));
  const std::map<std::string, Keys> parts = {
      {"company", {"longest_gap_s", "usual_gap_s"}},
      {"decode", {"after900_tps", "batch16_tps", "batch4_tps", "empty_tps"}},
      {"encode", {"gundam_s", "tile640_s", "view1024_s"}},
      {"peak", {"bf16_gops", "f32_gops", "int8_gops", "read_gbps"}},
      {"prefill", {"283_tps", "913_tps"}},
  };
  for (const auto& [part, keys] : parts) {
    EXPECT_EQ(keys_of(figures[part]), keys);
    for (const auto& [key, value] : figures[part].items()) EXPECT_GT(value.get<double>(), 0) << part << "." << key;
  }
  EXPECT_GE(figures["company"]["longest_gap_s"], figures["company"]["usual_gap_s"]);
  for (const auto& [key, limit] : figures["limits"].items()) EXPECT_GT(limit.get<double>(), 0) << key;
  EXPECT_EQ(figures["weights"], "f32");

  const nlohmann::json& operators = figures["operators"];
  EXPECT_EQ(keys_of(operators), (Keys{"decode.after283", "encode.view1024", "prefill.283"}));
  for (const auto& [stage, rows] : operators.items()) {
    Keys called;
    for (const nlohmann::json& row : rows) {
      EXPECT_EQ(keys_of(row), (Keys{"bytes", "calls", "operations", "operator", "seconds"}));
      EXPECT_GT(row["calls"], 0);
      called.insert(row["operator"]);
    }
    EXPECT_EQ(called.contains("paged_attention"), !stage.starts_with("encode")) << stage;
    EXPECT_TRUE(called.contains("linear")) << stage;
  }
}

TEST(BenchCommand, MeasuresOneDevice) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "bench --device cpu,ascend:0"), 2, "bench: measures one device at a time; name one");
}

}  // namespace
}  // namespace lectern
