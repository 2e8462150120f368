// What reading a page of DeepSeek-OCR asks of an Ascend 910B2 and of its host, and the time that this takes by what
// others have measured with other programs: there was no card. `lectern doctor` sets it beside what it measures.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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
// Nothing for a name that is not among them.
std::optional<double> predicted_ms(std::string_view stage);

}  // namespace lectern
