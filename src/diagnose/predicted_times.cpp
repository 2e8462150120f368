#include "diagnose/predicted_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lectern {
namespace {

double times(uint64_t count, double each) { return static_cast<double>(count) * each; }

// Of one sequence 1.21 GFLOP; of n, all weights but the experts (686 MB), the experts that they need (6 each of
// 64, 75.7 MB over all layers) and 60.6 MB of keys and values each: so 8 and 16 are, between 1 and 32, which are
// counted.
constexpr StageWork step(uint64_t hidden_copies, double bytes, double operations) {
  return {.launches = 228,
          .full_calls = 12,
          .repeated_calls = 12,
          .graph_launches = 12,
          .hidden_copies = hidden_copies,
          .uploads = 4,
          .waits = 1,
          .bytes = bytes,
          .operations = operations};
}

constexpr StageWork prefill913 = {.launches = 230,
                                  .full_calls = 12,
                                  .repeated_calls = 218,
                                  .hidden_copies = 11,
                                  .uploads = 4,
                                  .waits = 1,
                                  .bytes = 8.179e9,
                                  .operations = 0.7977e12};
constexpr StageWork step1 = step(0, 1.200e9, 1.210e9), step32 = step(11, 7.469e9, 38.72e9);

constexpr std::array stages = {
    PublishedStage{"encode1024",
                   {.launches = 600,
                    .full_calls = 6,
                    .repeated_calls = 30,
                    .graph_launches = 36,
                    .hidden_copies = 79,
                    .uploads = 1,
                    .bytes = 10.65e9,
                    .operations = 1.114e12}},
    PublishedStage{"tiles6",
                   {.launches = 602,
                    .full_calls = 6,
                    .repeated_calls = 32,
                    .graph_launches = 36,
                    .hidden_copies = 78,
                    .uploads = 6,
                    .waits = 4,
                    .bytes = 18.61e9,
                    .operations = 2.300e12}},
    PublishedStage{"prefill913", prefill913},
    PublishedStage{"step1", step1},
    PublishedStage{"step8", step(11, 4.804e9, 9.68e9)},
    PublishedStage{"step16", step(11, 6.500e9, 19.36e9)},
    PublishedStage{"step32", step32},
};

// Of one of several ranks: what they tell each other is two sums a layer and the embeddings, for every row of a step.
constexpr StageWork with_exchanges(StageWork work, int ranks, int rows) {
  work.ranks = ranks;
  work.exchanges = 25;
  work.exchange_bytes = 66560.0 * rows;
  return work;
}

constexpr StageWork rank_prefill913(int ranks, double bytes, double operations) {
  return with_exchanges({.launches = 234,
                         .full_calls = 12,
                         .repeated_calls = 222,
                         .hidden_copies = 11,
                         .uploads = 5,
                         .waits = 2,
                         .bytes = bytes,
                         .operations = operations},
                        ranks, 913);
}

constexpr StageWork rank_step(int ranks, int sequences, double bytes, double operations) {
  return with_exchanges({.launches = 232,
                         .full_calls = 12,
                         .repeated_calls = 29,
                         .graph_launches = 23,
                         .hidden_copies = sequences == 1 ? 0U : 11U,
                         .uploads = 5,
                         .waits = 2,
                         .bytes = bytes,
                         .operations = operations},
                        ranks, sequences);
}

constexpr std::array ranks = {
    RankCosts{.ranks = 1,
              .page = {.launches = 1202,
                       .full_calls = 12,
                       .repeated_calls = 62,
                       .graph_launches = 72,
                       .hidden_copies = 157,
                       .uploads = 7,
                       .waits = 4,
                       .bytes = 29.26e9,
                       .operations = 3.414e12},
              .prefill913 = prefill913,
              .step1 = step1,
              .step32 = step32,
              .first_gb = 7.2,
              .other_gb = 7.2},
    RankCosts{.ranks = 2,
              .page = {.launches = 1169,
                       .full_calls = 163,
                       .repeated_calls = 534,
                       .graph_launches = 72,
                       .hidden_copies = 124,
                       .uploads = 4,
                       .waits = 2,
                       .bytes = 17.4e9,
                       .operations = 1.881e12,
                       .ranks = 2},
              .prefill913 = rank_prefill913(2, 7.509e9, 607.2e9),
              .step1 = rank_step(2, 1, 0.8217e9, 0.8332e9),
              .step32 = rank_step(2, 32, 6.075e9, 26.66e9),
              .first_gb = 4.4,
              .other_gb = 3.7},
    RankCosts{.ranks = 4,
              .page = {.launches = 605,
                       .full_calls = 85,
                       .repeated_calls = 268,
                       .graph_launches = 36,
                       .hidden_copies = 81,
                       .uploads = 4,
                       .waits = 2,
                       .bytes = 10.67e9,
                       .operations = 1.114e12,
                       .ranks = 4},
              .prefill913 = rank_prefill913(4, 7.191e9, 521.5e9),
              .step1 = rank_step(4, 1, 0.6431e9, 0.6555e9),
              .step32 = rank_step(4, 32, 5.485e9, 20.98e9),
              .first_gb = 3.0,
              .other_gb = 2.3},
    RankCosts{.ranks = 8,
              .page = {.launches = 608,
                       .full_calls = 85,
                       .repeated_calls = 271,
                       .graph_launches = 36,
                       .hidden_copies = 81,
                       .uploads = 7,
                       .waits = 5,
                       .bytes = 10.67e9,
                       .operations = 1.114e12,
                       .ranks = 8},
              .prefill913 = rank_prefill913(8, 7.04e9, 481.3e9),
              .step1 = rank_step(8, 1, 0.5569e9, 0.5697e9),
              .step32 = rank_step(8, 32, 5.193e9, 18.23e9),
              .first_gb = 2.3,
              .other_gb = 1.6},
};

}  // namespace

StageWork StageWork::operator+(const StageWork& other) const {
  return {.launches = launches + other.launches,
          .full_calls = full_calls + other.full_calls,
          .repeated_calls = repeated_calls + other.repeated_calls,
          .graph_launches = graph_launches + other.graph_launches,
          .ai_cpu = ai_cpu + other.ai_cpu,
          .hidden_copies = hidden_copies + other.hidden_copies,
          .uploads = uploads + other.uploads,
          .waits = waits + other.waits,
          .bytes = bytes + other.bytes,
          .operations = operations + other.operations,
          .ranks = ranks,
          .exchanges = exchanges + other.exchanges,
          .exchange_bytes = exchange_bytes + other.exchange_bytes};
}

double StageWork::host_ms(const CardRates& rates) const {
  return (times(full_calls + exchanges, rates.full_call_us) + times(repeated_calls, rates.repeated_call_us) +
          times(graph_launches, rates.graph_launch_us) + times(uploads, rates.upload_us)) /
         1000;
}

double StageWork::card_ms(const CardRates& rates) const {
  return (times(launches + hidden_copies, rates.kernel_us) + times(ai_cpu, rates.ai_cpu_us) +
          bytes / rates.bytes_per_us + operations / rates.operations_per_us + times(exchanges, rates.exchange_us) +
          2 * exchange_bytes / ranks / rates.link_bytes_per_us) /  // to each its part, and the sum of the own to all
         1000;
}

double StageWork::predicted_ms(const CardRates& rates) const {
  return std::max(host_ms(rates), card_ms(rates)) + times(waits, rates.wait_us) / 1000;
}

std::span<const PublishedStage> published_stages() { return stages; }

std::span<const RankCosts> published_ranks() { return ranks; }

std::vector<std::string> table_of(std::span<const RankCosts> costs) {
  std::vector<std::string> lines = {
      "| ranks | exchanges of a step | KB of each, 1 page, 32 | a step, 1 page | tokens a second | a step, 32 pages | "
      "tokens a second | a card | prefill, 913 tokens | encode a page of six tiles | GB of weights, first card, others "
      "|",
      "|---|---|---|---|---|---|---|---|---|---|---|"};
  const auto per_second = [](int pages, double ms) { return fmt::format("{:.0f}", pages * 1000 / ms); };
  const auto row = [&](const std::string& what, const RankCosts& of, int models, const std::string& weights) {
    const double one = of.step1.predicted_ms(), many = of.step32.predicted_ms();
    const auto kilobytes = [](const StageWork& step) {
      return step.exchanges == 0 ? 0 : step.exchange_bytes / static_cast<double>(step.exchanges) / 1000;
    };
    const std::string sizes =
        of.step1.exchanges == 0 ? "" : fmt::format("{:.1f}, {:.0f}", kilobytes(of.step1), kilobytes(of.step32));
    lines.push_back(fmt::format("| {} | {} | {} | {:.1f} ms | {} | {:.1f} ms | {} | {} | {:.1f} ms | {:.1f} ms | {} |",
                                what, of.step1.exchanges, sizes, one, per_second(models, one), many,
                                per_second(32 * models, many), per_second(32 * models / (models * of.ranks), many),
                                of.prefill913.predicted_ms(), of.page.predicted_ms(), weights));
  };
  for (const RankCosts& of : costs) {
    row(std::to_string(of.ranks), of, 1,
        of.ranks == 1 ? fmt::format("{:.1f}", of.first_gb) : fmt::format("{:.1f}, {:.1f}", of.first_gb, of.other_gb));
  }
  if (costs.empty()) return lines;
  const int cards = costs.back().ranks;
  row(fmt::format("{} cards, a page or 32 each, without it", cards), costs.front(), cards,
      fmt::format("{:.1f} each", costs.front().first_gb));
  return lines;
}

std::optional<double> predicted_ms(std::string_view stage, int count) {
  if (count > 1) {
    const auto* const of = std::ranges::find(ranks, count, &RankCosts::ranks);
    if (of == ranks.end()) return std::nullopt;
    for (const auto& [name, work] : {std::pair<std::string_view, const StageWork*>("page6", &of->page),
                                     {"prefill913", &of->prefill913},
                                     {"step1", &of->step1},
                                     {"step32", &of->step32}}) {
      if (name == stage) return work->predicted_ms();
    }
    return std::nullopt;
  }
  const auto* const found = std::ranges::find(stages, stage, &PublishedStage::name);
  if (found == stages.end()) return std::nullopt;
  return found->work.predicted_ms();
}

}  // namespace lectern
