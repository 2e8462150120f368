// Periodicity of a stream of symbols: for every lag, how well its tail agrees with the symbols that many places
// earlier.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace lectern {

constexpr int max_lag = 400;

// For every lag a score that agreement raises by one and disagreement lowers, never below 0 (a cumulative sum test):
// it stays near 0 in text and grows without end in a loop, a few changed symbols notwithstanding.
class Periodicity {
 public:
  struct Peak {
    int lag = 0;
    int score = 0;
    int64_t start = 0;  // the symbol at which the score left 0: the first that agrees with the one `lag` before it
  };

  Periodicity() : past_(max_lag, no_symbol) {}

  void push(int32_t symbol);  // symbol != no_symbol

  // The largest score, of the smallest lag that has it.
  Peak best() const;
  int best_score() const { return best_score_; }
  // The same for the test "every pair of symbols has been there among the last max_lag"; its lag is 0.
  Peak nothing_new() const { return nothing_new_; }

  static constexpr int32_t no_symbol = INT32_MIN;

 private:
  using PerLag = std::array<int32_t, max_lag>;  // lag l at max_lag - l, so that the past is read forwards

  std::vector<int32_t> past_;  // max_lag times no_symbol, then the stream
  PerLag score_{}, start_{}, agreed_{};
  int32_t best_score_ = 0;
  Peak nothing_new_;
};

}  // namespace lectern
