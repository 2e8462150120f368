// What reading a page asks of a card and of its host, counted through the fake, which computes nothing, with a model of
// the published sizes, and the time that this takes by what others have measured.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/data_type.h"
#include "diagnose/predicted_times.h"
#include "fake_cann.h"

namespace lectern::testing {

struct CostOptions {
  std::string profile = "8.3.RC1";
  DataType type = DataType::bf16;
  bool graphs = true;  // captured and replayed
  int ranks = 1;       // cards of the model
  // Fewer and smaller weights with the same calls, for tests.
  bool narrow = false;
};

struct StageCosts {
  std::string name;
  FakeCannCosts counts = {};
  std::string calls;  // by operator of all cards, a line each
  int ranks = 1;
  StageWork work() const;
  double host_ms() const { return work().host_ms(); }
  double card_ms() const { return work().card_ms(); }
  double predicted_ms() const { return work().predicted_ms(); }
};

// One view of 1024; six tiles of 640; a prompt of 913 rows; a step of one sequence and of 32, each about 1000 tokens
// long: each for the second time or later, when constants are made. Over several cards the views are one stage, page6,
// and each stage is that of the card that takes longest. A model's files are written to `folder`; `gigabytes`, if not
// null, takes what each card holds then.
std::vector<StageCosts> measure_costs(const CostOptions& options, const std::filesystem::path& folder,
                                      std::vector<double>* gigabytes = nullptr);
// The same as a row of table_of.
RankCosts measure_ranks(const CostOptions& options, const std::filesystem::path& folder);

}  // namespace lectern::testing
