#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "lectern/error.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::mini_folder;
using testing::MiniCopy;
using testing::Random;
using testing::relative_error;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using testing::view_of;

constexpr int32_t image_token = 500;
constexpr int64_t hidden = 128;  // of mini

struct Model {
  explicit Model(const std::filesystem::path& folder = mini_folder)
      : checkpoint(Checkpoint::open(folder)), decoder(WeightLoader(checkpoint, cpu_device(), WeightFormat::f32)) {}
  const Checkpoint checkpoint;
  const Decoder decoder;
};

const Model& mini() {
  static const Model model;
  return model;
}

struct Prompt {
  std::vector<int32_t> ids;
  std::vector<float> image;
  TensorView image_view() const { return view_of(image, {static_cast<int64_t>(image.size()) / hidden, hidden}); }
};

Prompt make_prompt(Random& random, int64_t length, int64_t image_rows = 0) {
  Prompt prompt;
  for (int64_t i = 0; i < length - image_rows; ++i) prompt.ids.push_back(static_cast<int32_t>(random.between(3, 258)));
  const int64_t at = random.between(0, length - image_rows);
  prompt.ids.insert(prompt.ids.begin() + at, static_cast<size_t>(image_rows), image_token);
  prompt.image = random.values(image_rows * hidden);
  return prompt;
}

// What a request reported.
struct Outcome {
  std::vector<int32_t> tokens;
  std::vector<std::vector<float>> logits;
  std::vector<Finish> finishes;
};

Request request_of(const Prompt& prompt, Outcome& outcome, int64_t max_tokens = 0) {
  Request request;
  request.prompt = prompt.ids;
  request.image_token = image_token;
  if (!prompt.image.empty()) request.image = prompt.image_view();
  request.max_tokens = max_tokens;
  request.on_token = [&outcome](int32_t token) { outcome.tokens.push_back(token); };
  request.on_logits = [&outcome](std::span<const float> row) { outcome.logits.emplace_back(row.begin(), row.end()); };
  request.on_finish = [&outcome](Finish reason) { outcome.finishes.push_back(reason); };
  return request;
}

// An engine that never ends is a failure, not a test that hangs.
void run(Engine& engine, int most_steps = 3000) {
  int steps = 0;
  while (engine.step()) ASSERT_LT(++steps, most_steps);
}

Outcome run_alone(const Model& model, const Prompt& prompt, int64_t max_tokens) {
  Outcome outcome;
  Engine engine(cpu_device(), model.decoder);
  engine.add(request_of(prompt, outcome, max_tokens));
  run(engine);
  return outcome;
}

// The logits after all of a prompt, which the decoder takes in one call.
std::vector<float> logits_in_one_call(const Prompt& prompt) {
  const Decoder& decoder = mini().decoder;
  const auto length = static_cast<int64_t>(prompt.ids.size());
  const Tensor x(cpu_device(), DataType::f32, {length, hidden});
  decoder.embed(prompt.ids, x);
  const float* image = prompt.image.data();
  for (int64_t i = 0; i < length; ++i) {
    if (prompt.ids[static_cast<size_t>(i)] != image_token) continue;
    std::copy_n(image, hidden, x.floats() + i * hidden);
    image += hidden;
  }
  KvCache cache(cpu_device(), decoder.config(), decoder.format(), 1, length);
  SequencePages pages(cache);
  EXPECT_TRUE(pages.reserve(length));
  const SequenceRows rows{0, length, 0, pages.pages()};
  const int64_t wanted[] = {length - 1};
  const Tensor logits = decoder.step(x, {&rows, 1}, 0, wanted, cache);
  return {logits.floats(), logits.floats() + logits.shape().elements()};
}

TEST(Engine, SequencesTogetherWriteWhatEachWritesAlone) {
  Random random(1);
  std::vector<Prompt> prompts;
  for (const auto& [length, image_rows] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 0}, {40, 0}, {200, 150}, {64, 63}, {65, 0}, {17, 5}, {300, 0}}) {
    prompts.push_back(make_prompt(random, length, image_rows));
  }
  std::vector<Outcome> together(prompts.size());
  Engine engine(cpu_device(), mini().decoder, 2);
  for (size_t i = 0; i < prompts.size(); ++i)
    engine.add(request_of(prompts[i], together[i], 20 + static_cast<int64_t>(i)));
  run(engine);
  for (size_t i = 0; i < prompts.size(); ++i) {
    SCOPED_TRACE(i);
    const Outcome alone = run_alone(mini(), prompts[i], 20 + static_cast<int64_t>(i));
    EXPECT_EQ(together[i].tokens, alone.tokens);
    EXPECT_EQ(together[i].finishes, alone.finishes);
    ASSERT_EQ(together[i].logits.size(), alone.logits.size());
    for (size_t step = 0; step < alone.logits.size(); ++step)
      EXPECT_LT(relative_error(together[i].logits[step], alone.logits[step]), 1e-4) << step;
  }
}

TEST(Engine, AddsWhileOthersWrite) {
  Random random(2);
  const Prompt first = make_prompt(random, 70, 10);
  const Prompt second = make_prompt(random, 30);
  Outcome one, two;
  Engine engine(cpu_device(), mini().decoder, 2);
  engine.add(request_of(first, one, 30));
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(engine.step());
  engine.add(request_of(second, two, 30));
  run(engine);
  EXPECT_EQ(one.tokens, run_alone(mini(), first, 30).tokens);
  EXPECT_EQ(two.tokens, run_alone(mini(), second, 30).tokens);
}

// A context of 128 tokens is two pages; all requests ask for both.
TEST(Engine, RequestsWaitForRoomAndPagesComeBack) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 128);
  const Model model(copy.path());
  Random random(3);
  std::vector<Outcome> outcomes(12);
  std::vector<size_t> order;  // of all tokens, by request
  Engine engine(cpu_device(), model.decoder, 3);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    Request request = request_of(make_prompt(random, 70), outcomes[i], 3 + static_cast<int64_t>(i % 4));
    request.on_token = [&order, i](int32_t) { order.push_back(i); };
    engine.add(std::move(request));
  }
  EXPECT_TRUE(engine.step());
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  run(engine);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_THAT(outcomes[i].finishes, ElementsAre(Finish::length));
    EXPECT_EQ(std::count(order.begin(), order.end(), i), 3 + static_cast<int64_t>(i % 4));
  }
  EXPECT_FALSE(engine.step());
}

TEST(Engine, TheBudgetEndsASequence) {
  Random random(4);
  const Prompt prompt = make_prompt(random, 10);
  for (const int64_t budget : {1, 2, 5}) {
    const Outcome outcome = run_alone(mini(), prompt, budget);
    EXPECT_THAT(outcome.tokens, SizeIs(budget));
    EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
  }
}

TEST(Engine, TheEndTokenEndsASequenceAndIsNotReported) {
  Random random(5);
  const Prompt prompt = make_prompt(random, 50);
  const std::vector<int32_t> tokens = run_alone(mini(), prompt, 20).tokens;
  ASSERT_THAT(tokens, SizeIs(20));
  size_t last = 5;  // a token that was not written before
  while (last < 20 && std::find(tokens.begin(), tokens.begin() + static_cast<int64_t>(last), tokens[last]) !=
                          tokens.begin() + static_cast<int64_t>(last)) {
    ++last;
  }
  ASSERT_LT(last, 20u);
  const MiniCopy copy;
  copy.set("eos_token_id", tokens[last]);
  const Outcome outcome = run_alone(Model(copy.path()), prompt, 0);
  EXPECT_EQ(outcome.tokens, std::vector<int32_t>(tokens.begin(), tokens.begin() + static_cast<int64_t>(last)));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
}

TEST(Engine, TheContextEndsASequence) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 100);
  const Model model(copy.path());
  Random random(6);
  for (const int64_t length : {1, 64, 90, 99}) {
    for (const int64_t budget : {0, 1000}) {
      Outcome outcome;
      Engine engine(cpu_device(), model.decoder);
      Request request = request_of(make_prompt(random, length), outcome, budget);
      request.forced.assign(1000, 7);  // which no end token ends
      engine.add(std::move(request));
      run(engine);
      EXPECT_THAT(outcome.tokens, SizeIs(100 - length));
      EXPECT_THAT(outcome.finishes, ElementsAre(Finish::context));
    }
  }
}

TEST(Engine, RefusesWhatItCannotRun) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 100);
  const Model model(copy.path());
  Engine engine(cpu_device(), model.decoder);
  Random random(7);
  Outcome outcome;
  EXPECT_THAT([&] { engine.add(request_of(make_prompt(random, 100), outcome)); },
              ThrowsMessage<Error>(HasSubstr("take 100 tokens, but the model's context is 100")));
  for (const int32_t id : {-1, 512}) {
    Prompt prompt = make_prompt(random, 5);
    prompt.ids[3] = id;
    EXPECT_THAT([&] { engine.add(request_of(prompt, outcome)); }, ThrowsMessage<Error>(HasSubstr("vocabulary 0..511")));
    Request forced = request_of(make_prompt(random, 5), outcome);
    forced.forced = {3, id};
    EXPECT_THAT([&] { engine.add(forced); }, ThrowsMessage<Error>(HasSubstr("vocabulary 0..511")));
  }
  EXPECT_FALSE(engine.step());
  EXPECT_THAT(outcome.finishes, IsEmpty());
}

TEST(Engine, APromptInChunksEqualsOneCall) {
  Random random(8);
  std::vector<Prompt> prompts;
  prompts.push_back(make_prompt(random, 1024));
  prompts.push_back(make_prompt(random, 1025, 300));
  prompts.push_back(make_prompt(random, 2500, 1200));  // the image lies across chunks
  std::vector<Outcome> outcomes(prompts.size());
  Engine engine(cpu_device(), mini().decoder);
  for (size_t i = 0; i < prompts.size(); ++i) engine.add(request_of(prompts[i], outcomes[i], 2));
  run(engine);
  for (size_t i = 0; i < prompts.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_THAT(outcomes[i].logits, SizeIs(2));
    EXPECT_LT(relative_error(outcomes[i].logits[0], logits_in_one_call(prompts[i])), 1e-4);
    prompts[i].ids.push_back(outcomes[i].tokens[0]);
    EXPECT_LT(relative_error(outcomes[i].logits[1], logits_in_one_call(prompts[i])), 1e-4);
  }
}

TEST(Engine, StopsOneSequenceAndRunsTheOthers) {
  Random random(9);
  const Prompt first = make_prompt(random, 20);
  const Prompt second = make_prompt(random, 30);
  Outcome one, two;
  std::stop_source stop;
  Engine engine(cpu_device(), mini().decoder, 2);
  Request request = request_of(first, one, 50);
  request.stop = stop.get_token();
  request.on_token = [&](int32_t token) {
    one.tokens.push_back(token);
    if (one.tokens.size() == 3) stop.request_stop();
  };
  engine.add(std::move(request));
  engine.add(request_of(second, two, 10));
  run(engine);
  EXPECT_THAT(one.tokens, SizeIs(3));
  EXPECT_THAT(one.finishes, ElementsAre(Finish::stopped));
  EXPECT_EQ(two.tokens, run_alone(mini(), second, 10).tokens);
  EXPECT_THAT(two.finishes, ElementsAre(Finish::length));
}

TEST(Engine, StoppedBeforeItsFirstStepWritesNothing) {
  Random random(10);
  Outcome outcome;
  std::stop_source stop;
  stop.request_stop();
  Engine engine(cpu_device(), mini().decoder);
  Request request = request_of(make_prompt(random, 20), outcome);
  request.stop = stop.get_token();
  engine.add(std::move(request));
  run(engine);
  EXPECT_THAT(outcome.tokens, IsEmpty());
  EXPECT_THAT(outcome.logits, IsEmpty());
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::stopped));
}

TEST(Engine, ForcedIdsAreFedAndChosenTokensReported) {
  Random random(11);
  Prompt prompt = make_prompt(random, 60, 20);
  const std::vector<int32_t> forced = {1, 77, 78, 1, 200};  // the end token does not end it
  Outcome outcome;
  Engine engine(cpu_device(), mini().decoder);
  Request request = request_of(prompt, outcome);
  request.forced = forced;
  engine.add(std::move(request));
  run(engine);
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
  ASSERT_THAT(outcome.logits, SizeIs(forced.size()));
  for (size_t i = 0; i < forced.size(); ++i) {
    EXPECT_LT(relative_error(outcome.logits[i], logits_in_one_call(prompt)), 1e-4) << i;
    EXPECT_EQ(outcome.tokens[i], largest_logit(outcome.logits[i], {}));
    prompt.ids.push_back(forced[i]);
  }
}

TEST(Engine, ForcedIdsEndAtTheBudgetToo) {
  Random random(12);
  Outcome outcome;
  Engine engine(cpu_device(), mini().decoder);
  Request request = request_of(make_prompt(random, 9), outcome, 2);
  request.forced = {5, 6, 7, 8};
  engine.add(std::move(request));
  run(engine);
  EXPECT_THAT(outcome.tokens, SizeIs(2));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
}

TEST(Engine, NoNGramIsWrittenTwice) {
  Random random(13);
  Outcome outcome;
  Engine engine(cpu_device(), mini().decoder);
  Request request = request_of(make_prompt(random, 9), outcome, 100);
  request.no_repeat = {1, 1000, {}};
  engine.add(std::move(request));
  run(engine);
  ASSERT_THAT(outcome.tokens, Each(::testing::Ge(0)));
  std::vector<int32_t> sorted = outcome.tokens;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
}

TEST(Engine, WeightsThatAreNoNumbersAreAClearError) {
  Random random(14);
  for (const std::string tensor :
       {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight", "model.layers.1.self_attn.q_proj.weight",
        "model.layers.2.self_attn.v_proj.weight", "model.layers.1.mlp.gate.weight",
        "model.layers.3.mlp.shared_experts.up_proj.weight", "model.layers.0.mlp.down_proj.weight"}) {
    SCOPED_TRACE(tensor);
    const MiniCopy copy;
    copy.fill(tensor, 0x7fc0);
    const Model model(copy.path());
    for (const int64_t length : {3, 40}) {
      EXPECT_THAT([&] { run_alone(model, make_prompt(random, length), 3); },
                  ThrowsMessage<Error>(HasSubstr("not a number; its weights are damaged")));
    }
  }
}

TEST(Engine, ClearedAfterAnErrorItHasRoomAgain) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 128);
  copy.fill("lm_head.weight", 0x7fc0);
  const Model model(copy.path());
  Random random(15);
  Outcome outcome;
  Engine engine(cpu_device(), model.decoder);
  for (int round = 0; round < 3; ++round) {
    engine.add(request_of(make_prompt(random, 70), outcome));
    engine.add(request_of(make_prompt(random, 70), outcome));  // waits
    EXPECT_THROW(engine.step(), Error);
    engine.clear();
    EXPECT_FALSE(engine.step());
  }
  EXPECT_THAT(outcome.finishes, IsEmpty());
}

}  // namespace
}  // namespace lectern
