#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "lectern/error.h"
#include "support/engine_runs.h"
#include "support/fake_runner.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::count_up;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::EngineRun;
using testing::FakeRunner;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::mini_folder;
using testing::MiniCopy;
using testing::Random;
using testing::relative_error;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using testing::view_of;
using testing::WrittenText;

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

Request request_of(const Prompt& prompt, int64_t max_tokens = 0) {
  Request request;
  request.prompt = prompt.ids;
  request.image_token = image_token;
  if (!prompt.image.empty()) request.image = prompt.image_view();
  request.max_tokens = max_tokens;
  request.logits = true;
  return request;
}

WrittenText run_alone(const Model& model, const Prompt& prompt, int64_t max_tokens) {
  WrittenText outcome;
  EngineRun engine(cpu_device(), model.decoder);
  engine.add(request_of(prompt, max_tokens), outcome);
  engine.run();
  return outcome;
}

// The logits after all of a prompt, which the decoder takes in one call.
std::vector<float> logits_in_one_call(const Prompt& prompt) {
  const Decoder& decoder = mini().decoder;
  const auto length = static_cast<int64_t>(prompt.ids.size());
  std::vector<int32_t> picture_rows;
  for (const int32_t id : prompt.ids) {
    const auto before = static_cast<int32_t>(std::ranges::count_if(picture_rows, [](int32_t row) { return row >= 0; }));
    picture_rows.push_back(id == image_token ? before : -1);
  }
  const TensorView image = prompt.image_view();
  KvCache cache(cpu_device(), decoder.config(), decoder.format(), 1, length);
  SequencePages pages(cache.pool());
  EXPECT_TRUE(pages.reserve(length));
  const SequenceRows rows{0, length, 0, pages.pages()};
  const int64_t wanted[] = {length - 1};
  const Decoder::Next next = decoder.step({.sequences = {&rows, 1},
                                           .ids = prompt.ids,
                                           .picture_rows = picture_rows,
                                           .pictures = {&image, 1},
                                           .logit_rows = wanted},
                                          cache);
  return {next.logits.floats(), next.logits.floats() + next.logits.shape().elements()};
}

TEST(Engine, SequencesTogetherWriteWhatEachWritesAlone) {
  Random random(1);
  std::vector<Prompt> prompts;
  for (const auto& [length, image_rows] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 0}, {40, 0}, {200, 150}, {64, 63}, {65, 0}, {17, 5}, {300, 0}}) {
    prompts.push_back(make_prompt(random, length, image_rows));
  }
  std::vector<WrittenText> together(prompts.size());
  EngineRun engine(cpu_device(), mini().decoder, 2);
  for (size_t i = 0; i < prompts.size(); ++i)
    engine.add(request_of(prompts[i], 20 + static_cast<int64_t>(i)), together[i]);
  engine.run();
  for (size_t i = 0; i < prompts.size(); ++i) {
    SCOPED_TRACE(i);
    const WrittenText alone = run_alone(mini(), prompts[i], 20 + static_cast<int64_t>(i));
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
  WrittenText one, two;
  EngineRun engine(cpu_device(), mini().decoder, 2);
  engine.add(request_of(first, 30), one);
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(engine.step());
  engine.add(request_of(second, 30), two);
  engine.run();
  EXPECT_EQ(one.tokens, run_alone(mini(), first, 30).tokens);
  EXPECT_EQ(two.tokens, run_alone(mini(), second, 30).tokens);
}

// A context of 128 tokens is two pages; all requests ask for both.
TEST(Engine, RequestsWaitForRoomAndPagesComeBack) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 128);
  const Model model(copy.path());
  Random random(3);
  std::vector<WrittenText> outcomes(12);
  EngineRun engine(cpu_device(), model.decoder, 3);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    engine.add(request_of(make_prompt(random, 70), 3 + static_cast<int64_t>(i % 4)), outcomes[i]);
  }
  EXPECT_TRUE(engine.step());
  for (size_t i = 0; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].tokens.size(), i < 3 ? 1u : 0u);
  engine.run();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_THAT(outcomes[i].finishes, ElementsAre(Finish::length));
    EXPECT_THAT(outcomes[i].tokens, SizeIs(3 + i % 4));
  }
  EXPECT_FALSE(engine.step());
}

TEST(Engine, TheBudgetEndsASequence) {
  Random random(4);
  const Prompt prompt = make_prompt(random, 10);
  for (const int64_t budget : {1, 2, 5}) {
    const WrittenText outcome = run_alone(mini(), prompt, budget);
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
  copy.set("eos_token_id", {511, tokens[last]});  // either
  const WrittenText outcome = run_alone(Model(copy.path()), prompt, 0);
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
      WrittenText outcome;
      EngineRun engine(cpu_device(), model.decoder);
      const Prompt prompt = make_prompt(random, length);
      Request request = request_of(prompt, budget);
      request.forced.assign(1000, 7);  // which no end token ends
      engine.add(std::move(request), outcome);
      engine.run();
      EXPECT_THAT(outcome.tokens, SizeIs(100 - length));
      EXPECT_THAT(outcome.finishes, ElementsAre(Finish::context));
    }
  }
}

TEST(Engine, RefusesWhatItCannotRun) {
  const MiniCopy copy;
  copy.set("max_position_embeddings", 100);
  const Model model(copy.path());
  EngineRun engine(cpu_device(), model.decoder);
  Random random(7);
  WrittenText outcome;
  EXPECT_THAT([&] { engine.add(request_of(make_prompt(random, 100)), outcome); },
              ThrowsMessage<Error>(HasSubstr("take 100 tokens, but the model's context is 100")));
  for (const int32_t id : {-1, 512}) {
    Prompt prompt = make_prompt(random, 5);
    prompt.ids[3] = id;
    EXPECT_THAT([&] { engine.add(request_of(prompt), outcome); }, ThrowsMessage<Error>(HasSubstr("vocabulary 0..511")));
    Request forced = request_of(make_prompt(random, 5));
    forced.forced = {3, id};
    EXPECT_THAT([&] { engine.add(forced, outcome); }, ThrowsMessage<Error>(HasSubstr("vocabulary 0..511")));
  }
  for (const bool more : {false, true}) {
    Prompt prompt = make_prompt(random, 20, 10);
    if (more) {
      prompt.ids.push_back(image_token);
    } else {
      prompt.image = random.values(11 * hidden);
    }
    EXPECT_THAT([&] { engine.add(request_of(prompt), outcome); }, ThrowsMessage<Error>(HasSubstr("rows of the image")));
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
  std::vector<WrittenText> outcomes(prompts.size());
  EngineRun engine(cpu_device(), mini().decoder);
  for (size_t i = 0; i < prompts.size(); ++i) engine.add(request_of(prompts[i], 2), outcomes[i]);
  engine.run();
  for (size_t i = 0; i < prompts.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_THAT(outcomes[i].logits, SizeIs(2));
    EXPECT_LT(relative_error(outcomes[i].logits[0], logits_in_one_call(prompts[i])), 1e-4);
    prompts[i].ids.push_back(outcomes[i].tokens[0]);
    EXPECT_LT(relative_error(outcomes[i].logits[1], logits_in_one_call(prompts[i])), 1e-4);
  }
}

TEST(Engine, CancelsOneRequestAndRunsTheOthers) {
  Random random(9);
  const Prompt first = make_prompt(random, 20);
  const Prompt second = make_prompt(random, 30);
  WrittenText one, two;
  EngineRun engine(cpu_device(), mini().decoder, 2);
  const RequestId id = engine.add(request_of(first, 50), one);
  engine.add(request_of(second, 10), two);
  while (one.tokens.size() < 3) ASSERT_TRUE(engine.step());
  engine.engine.cancel(id);
  engine.run();
  engine.engine.cancel(id);  // is gone
  EXPECT_THAT(one.tokens, SizeIs(3));
  EXPECT_THAT(one.finishes, ElementsAre(Finish::stopped));
  EXPECT_EQ(two.tokens, run_alone(mini(), second, 10).tokens);
  EXPECT_THAT(two.finishes, ElementsAre(Finish::length));
}

TEST(Engine, CancelledBeforeItsFirstStepWritesNothing) {
  Random random(10);
  WrittenText outcome;
  EngineRun engine(cpu_device(), mini().decoder);
  const Prompt prompt = make_prompt(random, 20);
  engine.engine.cancel(engine.add(request_of(prompt), outcome));
  engine.run();
  EXPECT_THAT(outcome.tokens, IsEmpty());
  EXPECT_THAT(outcome.logits, IsEmpty());
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::stopped));
}

TEST(Engine, ADeadlineEndsARequestWhereverItIs) {
  Random random(16);
  const Prompt prompt = make_prompt(random, 20);
  std::vector<WrittenText> outcomes(3);
  EngineRun engine(cpu_device(), mini().decoder, 2);
  for (size_t i = 0; i < outcomes.size(); ++i) {  // the third waits
    Request request = request_of(prompt, 5);
    request.deadline = std::chrono::steady_clock::now() + std::chrono::hours(i == 1 ? 1 : -1);
    engine.add(std::move(request), outcomes[i]);
  }
  engine.run();
  EXPECT_THAT(outcomes[0].finishes, ElementsAre(Finish::deadline));
  EXPECT_THAT(outcomes[1].finishes, ElementsAre(Finish::length));
  EXPECT_THAT(outcomes[2].finishes, ElementsAre(Finish::deadline));
}

TEST(Engine, ForcedIdsAreFedAndChosenTokensReported) {
  Random random(11);
  Prompt prompt = make_prompt(random, 60, 20);
  const std::vector<int32_t> forced = {1, 77, 78, 1, 200};  // the end token does not end it
  WrittenText outcome;
  EngineRun engine(cpu_device(), mini().decoder);
  Request request = request_of(prompt);
  request.forced = forced;
  engine.add(std::move(request), outcome);
  engine.run();
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
  ASSERT_THAT(outcome.logits, SizeIs(forced.size()));
  for (size_t i = 0; i < forced.size(); ++i) {
    EXPECT_LT(relative_error(outcome.logits[i], logits_in_one_call(prompt)), 1e-4) << i;
    EXPECT_EQ(outcome.tokens[i], argmax_token(outcome.logits[i], {}));
    prompt.ids.push_back(forced[i]);
  }
}

TEST(Engine, ForcedIdsEndAtTheBudgetToo) {
  Random random(12);
  WrittenText outcome;
  EngineRun engine(cpu_device(), mini().decoder);
  const Prompt prompt = make_prompt(random, 9);
  Request request = request_of(prompt, 2);
  request.forced = {5, 6, 7, 8};
  engine.add(std::move(request), outcome);
  engine.run();
  EXPECT_THAT(outcome.tokens, SizeIs(2));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
}

TEST(Engine, NoNGramIsWrittenTwice) {
  Random random(13);
  WrittenText outcome;
  EngineRun engine(cpu_device(), mini().decoder);
  const Prompt prompt = make_prompt(random, 9);
  Request request = request_of(prompt, 100);
  request.no_repeat = {1, 1000, {}};
  engine.add(std::move(request), outcome);
  engine.run();
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
      const WrittenText outcome = run_alone(model, make_prompt(random, length), 3);
      EXPECT_THAT(outcome.error, HasSubstr("not a number; its weights are damaged"));
      EXPECT_THAT(outcome.finishes, IsEmpty());
    }
  }
}

TEST(Engine, ClearedAfterAnErrorItHasRoomAgain) {
  FakeRunner runner([](auto, auto) { throw Error("lost"); }, {.pages = 2, .context = 128});
  WrittenText outcome;
  EngineRun engine(runner, {.sequences = 2});
  Request request;
  request.prompt.assign(70, 5);
  for (int round = 0; round < 3; ++round) {
    engine.add(request, outcome);
    engine.add(request, outcome);  // waits
    EXPECT_THROW(engine.step(), Error);
    engine.engine.clear();
    EXPECT_FALSE(engine.step());
    EXPECT_EQ(runner.pages().free_pages(), 2);
  }
  EXPECT_THAT(outcome.finishes, IsEmpty());
}

// While others write, an image is encoded piece by piece and a prompt read in chunks, one of them a step.
TEST(Engine, ATokenWaitsForOnePieceOrChunkAtMost) {
  FakeRunner runner(count_up, {.end_tokens = {511}});
  EngineRun engine(runner, {.sequences = 4});
  WrittenText first;
  Request request;
  request.prompt.assign(300, 5);
  request.max_tokens = 60;
  request.no_repeat.n = 0;
  engine.add(request, first);
  ASSERT_TRUE(engine.step());
  EXPECT_EQ(runner.prompt_rows, 300) << "alone a prompt is not cut";
  std::vector<WrittenText> others(2);
  std::fill_n(request.prompt.begin(), 200, image_token);
  request.image_token = image_token;
  request.views = FakeRunner::views(200, 7, 0);
  for (WrittenText& outcome : others) engine.add(request, outcome);
  while (!first.ended()) {
    const size_t before = first.tokens.size();
    const int64_t pieces = runner.pieces;
    ASSERT_TRUE(engine.step());
    EXPECT_EQ(first.tokens.size(), before + 1);
    EXPECT_LE(runner.pieces - pieces + (runner.prompt_rows > 0 ? 1 : 0), 1);
    EXPECT_LE(runner.prompt_rows, 128);
  }
  engine.run();
  for (const WrittenText& outcome : others) {
    EXPECT_EQ(outcome.started, 1);
    EXPECT_EQ(outcome.encoded, 1);
    EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
  }
}

TEST(Engine, AnImageThatCannotBeEncodedFailsAlone) {
  class Failing final : public ModelRunner {
   public:
    explicit Failing(ModelRunner& inner) : inner_(inner) {}
    int64_t context() const override { return inner_.context(); }
    int64_t vocabulary() const override { return inner_.vocabulary(); }
    std::span<const int32_t> end_tokens() const override { return inner_.end_tokens(); }
    PagePool& pages() override { return inner_.pages(); }
    std::unique_ptr<Encoding> encode(std::shared_ptr<const Views>) override { throw Error("too large"); }
    std::span<const NextToken> step(const Batch& batch) override { return inner_.step(batch); }

   private:
    ModelRunner& inner_;
  };
  FakeRunner inner(count_up);
  Failing runner(inner);
  EngineRun engine(runner, {.sequences = 2});
  WrittenText text, image;
  Request request;
  request.prompt = {2, 3};
  request.max_tokens = 4;
  engine.add(request, text);
  request.views = FakeRunner::views(1, 1, 0);
  engine.add(request, image);
  engine.run();
  EXPECT_EQ(image.error, "too large");
  EXPECT_THAT(text.finishes, ElementsAre(Finish::length));
}

// A row too many was left out in some ports, and one too few left a word in its place, both in silence.
TEST(Engine, AnImageOfOtherRowsThanThePromptHasPlacesForFailsAlone) {
  FakeRunner runner(count_up);
  EngineRun engine(runner, {.sequences = 3});
  std::array<WrittenText, 3> texts;
  for (const int rows : {3, 4, 5}) {
    Request request;
    request.prompt = {2, 400, 400, 400, 400, 3};
    request.image_token = 400;
    request.max_tokens = 4;
    request.views = FakeRunner::views(rows, 2, 0);
    engine.add(request, texts.at(static_cast<size_t>(rows - 3)));
  }
  engine.run();
  EXPECT_EQ(texts[0].error, "the prompt has places for 4 rows of the image, which has 3");
  EXPECT_THAT(texts[1].finishes, ElementsAre(Finish::length));
  EXPECT_EQ(texts[2].error, "the prompt has places for 4 rows of the image, which has 5");
}

}  // namespace
}  // namespace lectern
