// Models over several ranks of the CPU, what they write, and how far that is from what others write.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "device/cpu/cpu_device.h"
#include "engine/parallel_runner.h"
#include "support/bits.h"
#include "support/engine_runs.h"
#include "support/golden_case.h"
#include "support/odd_decoder.h"

namespace lectern::testing {

inline std::deque<RankModel> rank_models(const Checkpoint& checkpoint, WeightFormat format, int ranks) {
  std::deque<RankModel> all;
  for (int i = 0; i < ranks; ++i) all.emplace_back(checkpoint, cpu_device(), format, i, ranks);
  return all;
}

inline WrittenText written(ModelRunner& runner, const Request& request) {
  EngineRun engine(runner);
  WrittenText text;
  engine.add(request, text);
  engine.run();
  return text;
}

inline WrittenText written_by(const Checkpoint& checkpoint, WeightFormat format, int ranks, const Request& request,
                              int64_t positions = 512) {
  const std::deque<RankModel> all = rank_models(checkpoint, format, ranks);
  if (ranks == 1) {
    DeviceRunner runner(cpu_device(), all.front().decoder, nullptr, positions);
    return written(runner, request);
  }
  ParallelRunner runner(all, positions);
  return written(runner, request);
}

inline Request text_request(uint32_t seed, int vocabulary, int64_t prompt, int64_t tokens) {
  Random random(seed);
  Request request;
  for (int64_t i = 0; i < prompt; ++i)
    request.prompt.push_back(static_cast<int32_t>(random.between(2, vocabulary - 1)));
  request.max_tokens = tokens;
  request.no_repeat.n = 0;
  request.logits = true;
  return request;
}

// Of logits the largest difference over the largest value, and of log-probabilities the largest difference.
struct WrittenDifference {
  double logits = 0, log_probabilities = 0;
};
inline WrittenDifference difference(const WrittenText& got, const WrittenText& expected) {
  WrittenDifference most;
  EXPECT_EQ(got.logits.size(), expected.logits.size());
  for (size_t i = 0; i < std::min(got.logits.size(), expected.logits.size()); ++i)
    most.logits = std::max(most.logits, relative_error(got.logits[i], expected.logits[i]));
  for (size_t i = 0; i < std::min(got.log_probabilities.size(), expected.log_probabilities.size()); ++i) {
    most.log_probabilities = std::max(
        most.log_probabilities,
        std::abs(static_cast<double>(got.log_probabilities[i]) - static_cast<double>(expected.log_probabilities[i])));
  }
  return most;
}

inline void expect_same(const WrittenText& got, const WrittenText& expected) {
  EXPECT_EQ(got.error, expected.error);
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(got.finishes, expected.finishes);
  const WrittenDifference most = difference(got, expected);
  EXPECT_LT(most.logits, 1e-5);
  EXPECT_LT(most.log_probabilities, 1e-5);
}

inline void expect_same_bits(const WrittenText& got, const WrittenText& expected) {
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(different_bits(got.log_probabilities, expected.log_probabilities), 0);
  ASSERT_EQ(got.logits.size(), expected.logits.size());
  for (size_t i = 0; i < got.logits.size(); ++i)
    ASSERT_EQ(different_bits(got.logits[i], expected.logits[i]), 0) << "token " << i;
}

}  // namespace lectern::testing
