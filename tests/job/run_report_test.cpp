#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lectern/documents.h"

namespace lectern {
namespace {

RunReport report_of(int64_t read, int64_t failed) {
  RunReport report;
  report.inputs.emplace_back().source = "a.pdf";
  report.inputs[0].pages = read + failed;
  report.inputs[0].read = report.read = read;
  report.inputs[0].failed = report.failed = failed;
  return report;
}

TEST(RunReport, ItsOutcomeTellsWhatWasDone) {
  EXPECT_EQ(report_of(3, 0).outcome(), RunOutcome::everything);
  EXPECT_EQ(report_of(3, 1).outcome(), RunOutcome::part);
  EXPECT_EQ(report_of(0, 4).outcome(), RunOutcome::nothing);

  RunReport report = report_of(3, 0);
  report.inputs.emplace_back().error = "b.pdf: is no PDF";
  EXPECT_EQ(report.outcome(), RunOutcome::part);
  report = report_of(3, 0);
  report.errors.emplace_back("nothing.png: there is no such file");
  EXPECT_EQ(report.outcome(), RunOutcome::part);
  report = {};
  report.errors.emplace_back("nothing.png: there is no such file");
  EXPECT_EQ(report.outcome(), RunOutcome::nothing);
  report.inputs.emplace_back().done_before = true;
  EXPECT_EQ(report.outcome(), RunOutcome::part);
  report.interrupted = true;
  EXPECT_EQ(report.outcome(), RunOutcome::interrupted);
  EXPECT_FALSE(report.is_done());
}

TEST(RunReport, APageThatEndedEarlyIsNotAll) {
  RunReport report = report_of(3, 0);
  EXPECT_TRUE(report.is_done());
  report.incomplete = 1;
  EXPECT_EQ(report.outcome(), RunOutcome::part);
  EXPECT_TRUE(report.is_done()) << "reading it again ends there again";
}

TEST(RunReport, AnInputThatCouldNotBeWrittenDidNothing) {
  RunReport report = report_of(3, 0);
  report.inputs[0].error = "a.pdf: cannot be written";
  EXPECT_EQ(report.outcome(), RunOutcome::nothing);
  report.inputs[0].outputs.emplace_back("a.txt");
  EXPECT_EQ(report.outcome(), RunOutcome::part);
}

TEST(RunReport, WithoutAnyOutputNothingWasDone) {
  RunReport report = report_of(3, 0);
  report.errors.emplace_back("out.md: cannot be written: No space left on device");
  report.output_failed = true;
  EXPECT_EQ(report.outcome(), RunOutcome::nothing);
  report.inputs[0].outputs.emplace_back("out.md");
  EXPECT_EQ(report.outcome(), RunOutcome::part);
}

TEST(RunReport, IsJsonWhateverTheNames) {
  RunReport report = report_of(2, 1);
  report.inputs[0].source = "bad \xFF name";
  report.inputs[0].notes.push_back({3, {WarningCode::failed, "page 3: is broken", std::nullopt}});
  report.inputs[0].notes.push_back({1, {WarningCode::uncovered_ink, "there", Box{1, 2, 3, 4}}});
  report.inputs[0].confidence = 0.75;
  report.inputs[0].reviews = {{1, 0.5, true, {{2, "text", "a \xFF", 0.25, Box{1, 2, 3, 4}}, {3, "", "b", 0.5, {}}}}};
  report.devices.push_back({"cpu", 2, 1.5, ""});
  report.devices.push_back({"card:0", 0, 0, "fell off the bus"});
  report.stats.tokens = 600;
  report.seconds = 3;
  report.info.prompt = "free";
  EXPECT_TRUE(report.to_json(1).starts_with("{\n \"schema\": \"lectern-report/1\","));
  const auto json = nlohmann::json::parse(report.to_json(1));
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_FALSE(nlohmann::json::parse(report.to_json()).contains("exit_code"));
  EXPECT_EQ(json["tokens_per_second"], 200);
  EXPECT_EQ(json["pages_per_minute"], 40);
  EXPECT_FALSE(json.contains("source_pages")) << "which one document has";
  EXPECT_EQ(json["inputs"][0]["source"], "bad \xEF\xBF\xBD name");
  EXPECT_EQ(json["inputs"][0]["notes"][0]["page"], 3);
  EXPECT_EQ(json["inputs"][0]["notes"][1]["box"], nlohmann::json({1, 2, 3, 4}));
  EXPECT_EQ(json["inputs"][0]["confidence"], 0.75);
  const nlohmann::json& review = json["inputs"][0]["reviews"].at(0);
  EXPECT_EQ(review["page"], 1);
  EXPECT_EQ(review["whole_page"], true);
  EXPECT_EQ(review["confidence"], 0.5);
  EXPECT_EQ(review["blocks"][0]["block"], 2);
  EXPECT_EQ(review["blocks"][0]["box"], nlohmann::json({1, 2, 3, 4}));
  EXPECT_EQ(review["blocks"][0]["text"], "a \xEF\xBF\xBD");
  EXPECT_FALSE(review["blocks"][1].contains("box"));
  EXPECT_EQ(json["devices"][1]["failure"], "fell off the bus");
  EXPECT_FALSE(json["devices"][0].contains("failure"));
  EXPECT_EQ(json["prompt"], "free");
}

}  // namespace
}  // namespace lectern
