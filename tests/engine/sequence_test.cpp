// What a sequence writes: probabilities of its tokens, draws, stop strings. What ends it otherwise: engine_test.cpp.
#include "engine/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "language/tokenizer.h"
#include "support/engine_runs.h"
#include "support/fake_runner.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

using testing::count_up;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::EngineRun;
using testing::FakeRunner;
using testing::mini_folder;
using ::testing::SizeIs;
using testing::WrittenText;

TEST(Sequence, TellsTheLogProbabilityOfEveryToken) {
  FakeRunner runner(count_up);
  EngineRun engine(runner, {.sequences = 2});
  std::vector<WrittenText> outcomes(2);
  for (size_t i = 0; i < 2; ++i) {
    Request request;
    request.prompt = {2, 3};
    request.max_tokens = 4;
    if (i == 1) request.sampling = {.temperature = 1000, .top_p = 1, .seed = 1};
    engine.add(request, outcomes[i]);
  }
  engine.run();
  const double sum = std::log(std::exp(3) + std::exp(1) + 510);
  ASSERT_THAT(outcomes[0].log_probabilities, SizeIs(4));
  for (const float value : outcomes[0].log_probabilities) EXPECT_NEAR(value, 3 - sum, 1e-6);
  // Drawn of 512 almost at random: none of them is likely to be the one with a logit.
  ASSERT_THAT(outcomes[1].log_probabilities, SizeIs(4));
  for (size_t i = 0; i < 4; ++i) {
    const int32_t before = i == 0 ? 3 : outcomes[1].tokens[i - 1];
    std::vector<float> logits(512);
    count_up({&before, 1}, logits);
    EXPECT_NEAR(outcomes[1].log_probabilities[i], logits[static_cast<size_t>(outcomes[1].tokens[i])] - sum, 1e-6);
  }
}

TEST(Sequence, DrawsWithTheSeedOfTheRequest) {
  const auto write = [](uint64_t seed, float temperature) {
    FakeRunner runner([](auto, std::span<float> logits) {
      for (size_t i = 10; i < 20; ++i) logits[i] = 10;
    });
    EngineRun engine(runner);
    WrittenText outcome;
    Request request;
    request.prompt = {2};
    request.max_tokens = 30;
    request.sampling = {.temperature = temperature, .top_p = 0.9F, .seed = seed};
    engine.add(request, outcome);
    engine.run();
    return outcome.tokens;
  };
  EXPECT_EQ(write(1, 1), write(1, 1));
  EXPECT_NE(write(1, 1), write(2, 1));
  EXPECT_THAT(write(1, 0), Each(10));
  EXPECT_THAT(write(1, 1), Each(::testing::AllOf(::testing::Ge(10), ::testing::Lt(20))));
}

TEST(Sequence, AStopStringEndsTheTextBeforeIt) {
  const Tokenizer tokenizer = Tokenizer::load(mini_folder / "tokenizer.json");
  const std::vector<int32_t> ids = tokenizer.encode("one STOR two STOP three");
  FakeRunner runner([&](std::span<const int32_t> text, std::span<float> logits) {
    logits[static_cast<size_t>(ids[text.size() - 1])] = 1;
  });
  EngineRun engine(runner);
  WrittenText outcome;
  Request request;
  request.prompt = {2};
  request.max_tokens = static_cast<int64_t>(ids.size());
  request.stop = {&tokenizer, {"STOP", "three"}};
  engine.add(request, outcome);
  engine.run();
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::stop_string));
  std::string text = tokenizer.decode(outcome.tokens, false);
  text.resize(text.size() - outcome.cut_bytes);
  EXPECT_EQ(text, "one STOR two ");
}

}  // namespace
}  // namespace lectern
