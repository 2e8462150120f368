// What reading a page asks of a card and of its host, counted through the fake, which computes nothing, with a model of
// the published sizes, and the time that this takes by what others have measured.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/data_type.h"
#include "fake_cann.h"

namespace lectern::testing {

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

struct CostOptions {
  std::string profile = "8.3.RC1";
  DataType type = DataType::bf16;
  bool graphs = true;  // captured and replayed
  // Fewer and smaller weights with the same calls, for tests.
  bool narrow = false;
};

struct StageCosts {
  std::string name;
  FakeCannCosts counts = {};
  std::string calls;  // by operator, a line each
  double host_ms(const CardRates& rates = {}) const;
  double card_ms(const CardRates& rates = {}) const;
  // The larger of both, and the waits.
  double predicted_ms(const CardRates& rates = {}) const;
};

// One view of 1024; six tiles of 640; a prompt of 913 rows; a step of one sequence and of 32, each about 1000 tokens
// long: each for the second time or later, when constants are made. A model's files are written to `folder`.
std::vector<StageCosts> measure_costs(const CostOptions& options, const std::filesystem::path& folder);

}  // namespace lectern::testing
