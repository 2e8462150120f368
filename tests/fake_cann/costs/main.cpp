// scripts/ascend_costs.sh: what a page asks of an Ascend card, stage by stage, and the time predicted for it.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "fake_cann/costs/cost_model.h"

namespace {

using lectern::testing::CostOptions;
using lectern::testing::StageCosts;

constexpr const char* usage =
    "usage: ascend_costs FOLDER [--json] [--calls] [--profile 8.1.RC1|8.3.RC1|8.5.0] [--type bf16|f16] [--no-graphs]\n";

void print_json(const CostOptions& options, const std::vector<StageCosts>& stages) {
  fmt::print("{{\"profile\": \"{}\", \"stages\": {{", options.profile);
  const char* comma = "";
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    fmt::print(
        "{}\n  \"{}\": {{\"launches\": {}, \"full_calls\": {}, \"repeated_calls\": {}, \"graph_launches\": {}, "
        "\"ai_cpu\": {}, \"hidden_copies\": {}, \"uploads\": {}, \"download_bytes\": {}, \"waits\": {}, "
        "\"bytes\": {:.0f}, \"operations\": {:.0f}, \"host_ms\": {:.3f}, \"card_ms\": {:.3f}, \"predicted_ms\": "
        "{:.3f}}}",
        comma, stage.name, c.launches, c.full_calls, c.repeated_calls, c.graph_launches, c.ai_cpu, c.hidden_copies,
        c.uploads, c.download_bytes, c.waits, c.bytes, c.operations, stage.host_ms(), stage.card_ms(),
        stage.predicted_ms());
    comma = ",";
  }
  fmt::print("}}}}\n");
}

void print_table(const CostOptions& options, const std::vector<StageCosts>& stages, bool calls) {
  fmt::print("CANN {}, {}, {} graphs\n", options.profile, options.type == lectern::DataType::f16 ? "f16" : "bf16",
             options.graphs ? "with" : "without");
  fmt::print("{:12} {:>8} {:>6} {:>8} {:>6} {:>6} {:>6} {:>7} {:>10} {:>5} {:>8} {:>8} {:>7} {:>7} {:>9}\n", "stage",
             "launches", "full", "repeated", "graphs", "AI CPU", "hidden", "uploads", "bytes back", "waits", "MB",
             "GFLOP", "host", "card", "ms");
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    fmt::print("{:12} {:8} {:6} {:8} {:6} {:6} {:6} {:7} {:10} {:5} {:8.0f} {:8.1f} {:7.3f} {:7.3f} {:9.3f}\n",
               stage.name, c.launches, c.full_calls, c.repeated_calls, c.graph_launches, c.ai_cpu, c.hidden_copies,
               c.uploads, c.download_bytes, c.waits, c.bytes / 1e6, c.operations / 1e9, stage.host_ms(),
               stage.card_ms(), stage.predicted_ms());
  }
  if (!calls) return;
  for (const StageCosts& stage : stages) fmt::print("\n{}\n{}", stage.name, stage.calls);
}

}  // namespace

int main(int count, char** arguments) {
  CostOptions options;
  bool json = false;
  bool calls = false;
  std::string_view folder;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const std::string_view value = i + 1 < count ? arguments[i + 1] : "";
    if (word == "--json") {
      json = true;
    } else if (word == "--calls") {
      calls = true;
    } else if (word == "--no-graphs") {
      options.graphs = false;
    } else if (word == "--profile" && !value.empty()) {
      options.profile = value;
      ++i;
    } else if (word == "--type" && (value == "f16" || value == "bf16")) {
      options.type = value == "f16" ? lectern::DataType::f16 : lectern::DataType::bf16;
      ++i;
    } else if (folder.empty() && !word.starts_with('-')) {
      folder = word;
    } else {
      std::fputs(usage, stderr);
      return 2;
    }
  }
  if (folder.empty()) {
    std::fputs(usage, stderr);
    return 2;
  }
  try {
    const std::vector<StageCosts> stages = lectern::testing::measure_costs(options, folder);
    json ? print_json(options, stages) : print_table(options, stages, calls);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ascend_costs: {}\n", error.what());
    return 1;
  }
  return 0;
}
