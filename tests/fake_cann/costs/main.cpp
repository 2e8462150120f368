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
    "usage: ascend_costs FOLDER [--json] [--calls] [--profile 8.1.RC1|8.3.RC1|8.5.0] [--type bf16|f16] [--no-graphs] "
    "[--tensor-parallel 1..8 | --ranks]\n";

void print_json(const CostOptions& options, const std::vector<StageCosts>& stages) {
  fmt::print("{{\"profile\": \"{}\", \"stages\": {{", options.profile);
  const char* comma = "";
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    fmt::print(
        "{}\n  \"{}\": {{\"launches\": {}, \"full_calls\": {}, \"repeated_calls\": {}, \"graph_launches\": {}, "
        "\"ai_cpu\": {}, \"hidden_copies\": {}, \"uploads\": {}, \"download_bytes\": {}, \"waits\": {}, "
        "\"bytes\": {:.0f}, \"operations\": {:.0f}, \"exchanges\": {}, \"exchange_bytes\": {:.0f}, \"host_ms\": "
        "{:.3f}, \"card_ms\": {:.3f}, \"predicted_ms\": "
        "{:.3f}}}",
        comma, stage.name, c.launches, c.full_calls, c.repeated_calls, c.graph_launches, c.ai_cpu, c.hidden_copies,
        c.uploads, c.download_bytes, c.waits, c.bytes, c.operations, c.exchanges, c.exchange_bytes, stage.host_ms(),
        stage.card_ms(), stage.predicted_ms());
    comma = ",";
  }
  fmt::print("}}}}\n");
}

void print_table(const CostOptions& options, const std::vector<StageCosts>& stages, bool calls) {
  fmt::print("CANN {}, {}, {} graphs{}\n", options.profile, options.type == lectern::DataType::f16 ? "f16" : "bf16",
             options.graphs ? "with" : "without",
             options.ranks == 1 ? "" : fmt::format(", the slowest of {} cards", options.ranks));
  fmt::print("{:12} {:>8} {:>6} {:>8} {:>6} {:>6} {:>6} {:>7} {:>10} {:>5} {:>8} {:>8} {:>9} {:>8} {:>7} {:>7} {:>9}\n",
             "stage", "launches", "full", "repeated", "graphs", "AI CPU", "hidden", "uploads", "bytes back", "waits",
             "MB", "GFLOP", "exchanges", "of KB", "host", "card", "ms");
  for (const StageCosts& stage : stages) {
    const FakeCannCosts& c = stage.counts;
    const double each = c.exchanges == 0 ? 0 : c.exchange_bytes / static_cast<double>(c.exchanges) / 1000;
    fmt::print(
        "{:12} {:8} {:6} {:8} {:6} {:6} {:6} {:7} {:10} {:5} {:8.0f} {:8.1f} {:9} {:8.1f} {:7.3f} {:7.3f} {:9.3f}\n",
        stage.name, c.launches, c.full_calls, c.repeated_calls, c.graph_launches, c.ai_cpu, c.hidden_copies, c.uploads,
        c.download_bytes, c.waits, c.bytes / 1e6, c.operations / 1e9, c.exchanges, each, stage.host_ms(),
        stage.card_ms(), stage.predicted_ms());
  }
  if (!calls) return;
  for (const StageCosts& stage : stages) fmt::print("\n{}\n{}", stage.name, stage.calls);
}

// The table of docs/parallel.md, and what published_ranks() has of it.
void print_ranks(CostOptions options, const std::filesystem::path& folder) {
  std::vector<lectern::RankCosts> all;
  for (const int ranks : {1, 2, 4, 8}) {
    options.ranks = ranks;
    all.push_back(lectern::testing::measure_ranks(options, folder));
  }
  for (const std::string& line : lectern::table_of(all)) fmt::print("{}\n", line);
  for (const lectern::RankCosts& of : all) {
    fmt::print("\n{} ranks: {:.1f} GB, {:.1f} GB\n", of.ranks, of.first_gb, of.other_gb);
    for (const auto& [name, work] : {std::pair("page", of.page), std::pair("prefill913", of.prefill913),
                                     std::pair("step1", of.step1), std::pair("step32", of.step32)}) {
      fmt::print(
          "{}: launches {}, full {}, repeated {}, graphs {}, AI CPU {}, hidden {}, uploads {}, waits {}, bytes "
          "{:.4g}, operations {:.4g}, exchanges {}, bytes of them {:.0f}\n",
          name, work.launches, work.full_calls, work.repeated_calls, work.graph_launches, work.ai_cpu,
          work.hidden_copies, work.uploads, work.waits, work.bytes, work.operations, work.exchanges,
          work.exchange_bytes);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  CostOptions options;
  bool json = false;
  bool calls = false;
  bool ranks = false;
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
    } else if (word == "--tensor-parallel" && value.size() == 1 && value[0] >= '1' && value[0] <= '8') {
      options.ranks = value[0] - '0';
      ++i;
    } else if (word == "--ranks") {
      ranks = true;
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
    if (ranks) {
      print_ranks(options, folder);
      return 0;
    }
    const std::vector<StageCosts> stages = lectern::testing::measure_costs(options, folder);
    json ? print_json(options, stages) : print_table(options, stages, calls);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ascend_costs: {}\n", error.what());
    return 1;
  }
  return 0;
}
