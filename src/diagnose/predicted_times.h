// What reading a page of DeepSeek-OCR asks of an Ascend 910B2 and of its host, and the time that this takes by what
// others have measured with other programs: there was no card. `lectern doctor` sets it beside what it measures.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// Microseconds of the host and of the card, and the card's rates. A 910B2 behind a Kunpeng host; the ranges that others
// measured are in docs/ascend.md.
struct CardRates {
  // llama.cpp#15065: 70 tokens a second of 450 to 600 calls each, operator by operator: 25 to 30 a call.
  double full_call_us = 27;
  // The second half alone: 3 to 5, what a captured copy takes on the host (simpler#1853: 4.5).
  double repeated_call_us = 4;
  double graph_launch_us = 30;
  double upload_us = 5;
  // llama.cpp#16752: 4.47 ms a token with its graph reused, of it 1.2 for the weights and 450 kernels.
  double kernel_us = 7;
  // No figure is public; it copies element by element on a few Arm cores.
  double ai_cpu_us = 1000;
  double wait_us = 10;
  double bytes_per_us = 1.6e6;       // HBM of a 910B2
  double operations_per_us = 160e6;  // half of its peak in 16 bits, as products of middling sizes reach
  // What cards tell each other by HCCL, on the vector cores: a guess from below, 15 to 20. The vendor's example of its
  // tester (HCCL Performance Tester, "Result Description") has 765 for 8 KiB over eight cards without them.
  double exchange_us = 15;
  // Of one of two cards to the other by HCCS, which has a link for each pair of the eight: HIXL's
  // benchmarks/A2_benchmark_performance.md measures 19.1 to 19.4 GB/s. Sums over 2, 4 and 8 cards by it are 19, 39 and
  // 77 GB/s of values; others measured 18, 30 and 72 (limulidae).
  double link_bytes_per_us = 19.3e3;
};

// What a stage asks for.
struct StageWork {
  uint64_t launches = 0;        // calls of operators; of them
  uint64_t full_calls = 0;      // made in full, and
  uint64_t repeated_calls = 0;  // repeated; the rest is captured in graphs
  uint64_t graph_launches = 0;
  uint64_t ai_cpu = 0;         // kernels on the AI CPU
  uint64_t hidden_copies = 0;  // kernels beside a call's own
  uint64_t uploads = 0;
  uint64_t waits = 0;
  double bytes = 0, operations = 0;
  // Among so many cards, and the values that a card gives to one, summed.
  int ranks = 1;
  uint64_t exchanges = 0;
  double exchange_bytes = 0;

  // What both ask for, of one card.
  StageWork operator+(const StageWork& other) const;
  double host_ms(const CardRates& rates = {}) const;
  double card_ms(const CardRates& rates = {}) const;
  // The larger of both, and the waits.
  double predicted_ms(const CardRates& rates = {}) const;
};

// At the published sizes, in bf16 on CANN 8.3.RC1, as scripts/ascend_costs.sh counts it.
struct PublishedStage {
  std::string_view name;  // encode1024, tiles6, prefill913, step1, step8, step16, step32
  StageWork work;
};
std::span<const PublishedStage> published_stages();
// Of one of several ranks: page6, prefill913, step1, step32. Nothing for a name or a number that is not among them.
std::optional<double> predicted_ms(std::string_view stage, int ranks = 1);

// The same of one model over several cards, where that takes longest, as scripts/ascend_costs.sh --ranks counts it.
struct RankCosts {
  int ranks = 1;
  StageWork page;  // encoding one view of 1024 and six tiles of 640
  StageWork prefill913, step1, step32;
  double first_gb = 0, other_gb = 0;  // weights of the first card, and of the one after it
};
std::span<const RankCosts> published_ranks();  // over 1, 2, 4 and 8
// Lines of a table in Markdown, and a last one for as many pages over the most cards; docs/parallel.md has it.
std::vector<std::string> table_of(std::span<const RankCosts> costs);

}  // namespace lectern
