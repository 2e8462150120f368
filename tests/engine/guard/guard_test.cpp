// The guard in the engine, on a model that writes what a source wants.
#include "engine/guard/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/engine.h"
#include "support/choose.h"
#include "support/engine_runs.h"
#include "support/fake_runner.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::EngineRun;
using testing::FakeRunner;
using ::testing::IsEmpty;
using testing::mini_folder;
using ::testing::SizeIs;

constexpr int32_t end_token = 1;
using Ids = std::vector<int32_t>;

struct Model {
  explicit Model(const std::filesystem::path& folder = mini_folder)
      : checkpoint(Checkpoint::open(folder)),
        tokenizer(Tokenizer::load(folder / "tokenizer.json")),
        classes(tokenizer),
        decoder(WeightLoader(checkpoint, cpu_device(), WeightFormat::f32)) {}
  const Checkpoint checkpoint;
  const Tokenizer tokenizer;
  const TokenClasses classes;
  const Decoder decoder;
};

const Model& mini() {
  static const Model model;
  return model;
}

// A tenth of the evidence, so that the tests are short.
LoopLimits low_limits() {
  LoopLimits limits;
  for (int* const limit : {&limits.rich, &limits.poor, &limits.unbroken, &limits.counter, &limits.boxes}) *limit /= 10;
  limits.stale /= 2;
  limits.repeats = 2;
  return limits;
}

// What the model would like to write after what it wrote, best first.
using Source = std::function<Ids(std::span<const int32_t> written)>;

struct Outcome : testing::WrittenText {
  std::string text() const { return mini().tokenizer.decode(tokens, false); }
};

// The prompt's first id is the number of the source.
const Ids prompt = {0, 40, 41, 42};

Request request_of(size_t source = 0, int64_t max_tokens = 0) {
  Request request;
  request.prompt = prompt;
  request.prompt[0] = static_cast<int32_t>(source);
  request.max_tokens = max_tokens;
  request.no_repeat.n = 0;
  request.guard = {&mini().classes, low_limits(), 3};
  return request;
}

void want(const Source& source, std::span<const int32_t> written, std::span<float> logits) {
  std::ranges::fill(logits, 0.0F);
  float value = 100;
  for (const int32_t id : source(written)) {
    const auto at = static_cast<size_t>(id);
    logits[at < logits.size() ? at : logits.size() - 1 - at % 8] = --value;  // a smaller vocabulary has others for it
  }
}

FakeRunner runner_of(const std::vector<Source>& sources, const testing::FakeLimits& limits = {}) {
  return FakeRunner(
      [sources](std::span<const int32_t> text, std::span<float> logits) {
        want(sources[static_cast<size_t>(text[0])], text.subspan(prompt.size()), logits);
      },
      limits);
}

Outcome outcome_of(const Source& source, int64_t max_tokens = 0) {
  Outcome outcome;
  FakeRunner runner = runner_of({source});
  EngineRun engine(runner);
  engine.add(request_of(0, max_tokens), outcome);
  engine.run();
  return outcome;
}

Ids encode(std::string_view text) { return mini().tokenizer.encode(text); }

const std::string honest = "It was the best of times, it was the worst of times; the age of wisdom.\n";

// Writes `before`, then `period` for ever. A token that is kept from that goes on with the next in `exits`, which has
// the end behind it; without exits it skips a token of the period.
class Looping {
 public:
  Looping(std::string_view before, Ids period, std::vector<std::string> exits = {})
      : before_(encode(before)), period_(std::move(period)) {
    for (const std::string& exit : exits) exits_.push_back(encode(exit));
  }
  Ids operator()(std::span<const int32_t> written) const {
    if (written.size() < before_.size()) return {before_[written.size()]};
    for (const Ids& exit : exits_) {
      // Within an exit: its beginning is the last that was written.
      for (size_t length = std::min(exit.size(), written.size()); length > 0; --length) {
        if (!std::ranges::equal(written.last(length), std::span(exit).first(length))) continue;
        return {length == exit.size() ? end_token : exit[length]};
      }
    }
    const size_t at = written.size() - before_.size();
    Ids wanted = {period_[at % period_.size()]};
    if (!exits_.empty()) wanted.push_back(exits_[0][0]);
    if (exits_.empty()) wanted.insert(wanted.end(), {period_[(at + 1) % period_.size()], 300, 301, 302, 303});
    return wanted;
  }

 private:
  Ids before_, period_;
  std::vector<Ids> exits_;
};

Ids distinct(int count) {  // tokens of the vocabulary of mini that are no digits
  Ids ids;
  for (int32_t id = 3; static_cast<int>(ids.size()) < count; ++id) {
    if (!mini().classes.of(id).digits) ids.push_back(id);
  }
  return ids;
}

TEST(Guard, EndsALoopThatCannotBeEscapedAndDropsIt) {
  for (const int period : {1, 2, 7, 31, 100}) {
    SCOPED_TRACE(period);
    const Outcome outcome = outcome_of(Looping(honest, distinct(period)));
    EXPECT_THAT(outcome.finishes, ElementsAre(Finish::loop));
    ASSERT_THAT(outcome.loops, SizeIs(4));
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(outcome.loops[i].retried, i < 3);
      EXPECT_GT(outcome.loops[i].dropped, 40);
    }
    const auto before = static_cast<int64_t>(encode(honest).size());
    EXPECT_EQ(outcome.loops[0].loop.period, period);
    EXPECT_EQ(outcome.loops[0].loop.begin, before + period);
    EXPECT_TRUE(outcome.text().starts_with(honest));
    EXPECT_LE(static_cast<int64_t>(outcome.tokens.size()), before + period + 2) << "the repetition is dropped";
    EXPECT_EQ(static_cast<int64_t>(outcome.tokens.size()), outcome.steps.back());
  }
}

TEST(Guard, GoesOnWithoutTheTokenThatLedIntoTheLoop) {
  const std::string exit = "<|grounding|> And then it went on.";
  for (const int period : {1, 2, 7, 31, 100, 400}) {
    SCOPED_TRACE(period);
    const Outcome outcome = outcome_of(Looping(honest, distinct(period), {exit}));
    EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
    ASSERT_THAT(outcome.loops, SizeIs(1));
    EXPECT_TRUE(outcome.loops[0].retried);
    Ids expected = encode(honest);
    for (const int32_t id : distinct(period)) expected.push_back(id);
    for (const int32_t id : encode(exit)) expected.push_back(id);
    EXPECT_EQ(outcome.tokens, expected);
  }
}

TEST(Guard, ReportsEveryTokenOnceWhateverIsTakenBack) {
  const Outcome outcome = outcome_of(Looping(honest, distinct(7), {"<|grounding|> on."}));
  const auto back = std::ranges::adjacent_find(outcome.steps, std::greater<>());
  ASSERT_NE(back, outcome.steps.end());
  EXPECT_EQ(outcome.loops[0].dropped, *back + 1 - *(back + 1));
}

// Writes a text of which pieces repeat: "{...}" is a period that never ends; a token that is banned leads behind it.
class Script {
 public:
  struct Part {
    std::string text;
    bool endless = false;
  };
  explicit Script(std::vector<Part> parts) : parts_(std::move(parts)) {}

  Ids operator()(std::span<const int32_t> written) const {
    size_t at = 0;
    for (size_t part = 0; part < parts_.size(); ++part) {
      const Ids ids = encode(parts_[part].text);
      size_t i = 0;
      for (; at < written.size() && (i < ids.size() || parts_[part].endless) && written[at] == ids[i % ids.size()]; ++i)
        ++at;
      const int32_t behind = part + 1 < parts_.size() ? encode(parts_[part + 1].text)[0] : end_token;
      if (at == written.size()) {
        if (i < ids.size() || parts_[part].endless) return {ids[i % ids.size()], behind};
        return {behind};
      }
    }
    return {end_token};
  }

 private:
  std::vector<Part> parts_;
};

TEST(Guard, EscapesTwoLoopsInARow) {
  const Outcome outcome = outcome_of(Script({{honest},
                                             {"Sold to the highest bidder of the day. ", true},
                                             {"#So it goes, again and again.\n", true},
                                             {"%The end."}}));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
  EXPECT_THAT(outcome.loops, SizeIs(2));
  EXPECT_EQ(outcome.text(), honest + "Sold to the highest bidder of the day. #So it goes, again and again.\n%The end.");
}

TEST(Guard, EscapesTheSameLoopAgainAfterHonestText) {
  std::string middle = "%";
  for (int i = 0; i < 250; ++i)
    middle += std::string(1, static_cast<char>('a' + i * 7 % 26)) + static_cast<char>('A' + i * 11 % 25) + " ";
  const Script::Part loop{"Sold to the highest bidder of the day. ", true};
  const Outcome outcome = outcome_of(Script({{honest}, loop, {middle}, loop, {"#The end."}}));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
  EXPECT_THAT(outcome.loops, SizeIs(2));
  EXPECT_TRUE(outcome.text().starts_with(honest + loop.text + middle + "Sold to the highest bidder")) << outcome.text();
  EXPECT_TRUE(outcome.text().ends_with("#The end."));
  EXPECT_LT(outcome.text().size(), (honest + loop.text + middle + loop.text).size() + 10);
}

TEST(Guard, ACounterIsLeft) {
  const Outcome outcome = outcome_of([](std::span<const int32_t> written) {
    const std::string text = mini().tokenizer.decode(written, false);
    std::string all = honest;
    for (int i = 1; i < 200; ++i) all += std::to_string(i) + ". The committee takes note of the report.\n";
    if (all.starts_with(text)) return Ids{encode(all.substr(text.size(), 1))[0], encode("#")[0]};
    return Ids{end_token};
  });
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
  ASSERT_THAT(outcome.loops, SizeIs(1));
  EXPECT_EQ(outcome.loops[0].loop.kind, LoopKind::counter);
  EXPECT_TRUE(outcome.text().starts_with(honest + "1. The committee takes note of the report"));
  EXPECT_TRUE(outcome.text().ends_with("#"));
  EXPECT_LT(outcome.text().size(), honest.size() + 100);
}

TEST(Guard, EndlessCellsAreLeft) {
  const Outcome outcome = outcome_of(Script({{honest + "<tr>"}, {"<td></td>", true}, {"</tr>The end."}}));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
  EXPECT_EQ(outcome.text(), honest + "<tr><td></td></tr>The end.");
}

TEST(Guard, WithoutItTheLoopFillsTheBudget) {
  Outcome outcome;
  FakeRunner runner = runner_of({Looping(honest, distinct(7))});
  EngineRun engine(runner);
  Request request = request_of(0, 800);
  request.guard.classes = nullptr;
  engine.add(std::move(request), outcome);
  engine.run();
  EXPECT_THAT(outcome.tokens, SizeIs(800));
  EXPECT_THAT(outcome.loops, IsEmpty());
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
}

TEST(Guard, DroppedTokensDoNotCountAgainstTheBudget) {
  const Script script({{honest}, {"Sold to the highest bidder of the day. ", true}, {"#" + honest}});
  const auto all = static_cast<int64_t>(encode(honest + "Sold to the highest bidder of the day. #" + honest).size());
  EXPECT_THAT(outcome_of(script, all + 200).finishes, ElementsAre(Finish::end));
  const Outcome within = outcome_of(script, 150);  // the loop is not yet one
  EXPECT_THAT(within.finishes, ElementsAre(Finish::length));
  EXPECT_THAT(within.tokens, SizeIs(150));
}

TEST(Guard, TheEndOfTheContextNeedsHalfTheEvidence) {
  Outcome outcome;
  FakeRunner runner = runner_of({Script({{honest}, {"Sold again. ", true}, {"#The end."}})}, {.context = 160});
  EngineRun engine(runner);
  engine.add(request_of(), outcome);
  engine.run();
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::end));
  EXPECT_EQ(outcome.text(), honest + "Sold again. #The end.");
}

TEST(Guard, ForcedTokensAreNotGuarded) {
  Outcome outcome;
  FakeRunner runner = runner_of({Looping(honest, distinct(7))});
  EngineRun engine(runner);
  Request request = request_of();
  request.forced.assign(900, 77);
  engine.add(std::move(request), outcome);
  engine.run();
  EXPECT_THAT(outcome.tokens, SizeIs(900));
  EXPECT_THAT(outcome.loops, IsEmpty());
}

TEST(Guard, ACancelledRequestIsToldWhatWasHeldBack) {
  Outcome outcome;
  FakeRunner runner = runner_of({Looping(honest, distinct(31))});
  EngineRun engine(runner);
  const RequestId id = engine.add(request_of(), outcome);
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(engine.step());
  EXPECT_LT(outcome.tokens.size(), 110u);
  engine.engine.cancel(id);
  engine.run();
  EXPECT_THAT(outcome.tokens, SizeIs(150));
  EXPECT_THAT(outcome.finishes, ElementsAre(Finish::stopped));
}

TEST(Guard, SequencesTogetherWriteWhatEachWritesAlone) {
  const std::vector<Source> sources = {
      Looping(honest, distinct(7)),
      Script({{honest}, {"Sold to the highest bidder of the day. ", true}, {"#The end."}}),
      Script({{honest + honest.substr(10)}}),
      Looping("", distinct(31), {"<|grounding|> on."}),
      Script({{"<tr>"}, {"<td></td>", true}, {"</tr>The end."}}),
  };
  // Pages for all, and so few that sequences are preempted in the middle of a loop.
  for (const int32_t pages : {128, 40}) {
    std::vector<Outcome> together(sources.size());
    FakeRunner runner = runner_of(sources, {.pages = pages, .page_tokens = pages == 40 ? 16 : 64});
    EngineRun engine(runner, {.sequences = 4});
    for (size_t i = 0; i < sources.size(); ++i) engine.add(request_of(i, 2000), together[i]);
    engine.run(20'000);
    EXPECT_EQ(engine.engine.preemptions() > 0, pages == 40);
    for (size_t i = 0; i < sources.size(); ++i) {
      SCOPED_TRACE(i);
      const Outcome alone = outcome_of([&](std::span<const int32_t> written) { return sources[i](written); }, 2000);
      EXPECT_EQ(together[i].tokens, alone.tokens);
      EXPECT_EQ(together[i].steps, alone.steps);
      EXPECT_EQ(together[i].finishes, alone.finishes);
      EXPECT_EQ(together[i].loops.size(), alone.loops.size());
    }
  }
}

// A model's own logits: at a place that is come to again they are what they were. With a window of 16, too, whether the
// rows that are needed again were kept or are made again.
TEST(Guard, TheCacheIsRightAfterASetBack) {
  class Replaced final : public ModelRunner {
   public:
    explicit Replaced(const Decoder& decoder) : inner_(cpu_device(), decoder, nullptr, 8192) {}
    int64_t window() const override { return inner_.window(); }
    int64_t context() const override { return inner_.context(); }
    int64_t vocabulary() const override { return inner_.vocabulary(); }
    std::span<const int32_t> end_tokens() const override { return inner_.end_tokens(); }
    PagePool& pages() override { return inner_.pages(); }
    std::unique_ptr<Encoding> encode(std::shared_ptr<const Views> views) override { return inner_.encode(views); }
    std::span<const NextToken> step(const Batch& batch) override {
      Batch inner = batch;
      BatchEntry& entry = inner.entries.at(0);
      entry.wants_logits = true;
      text_.resize(static_cast<size_t>(entry.position));
      text_.insert(text_.end(), entry.ids.begin(), entry.ids.end());
      const std::span<const NextToken> tokens = inner_.step(inner);
      if (tokens.empty()) return {};
      const std::span<const float> now = tokens[0].logits;
      const auto [found, is_new] = logits_.emplace(text_, std::vector<float>(now.begin(), now.end()));
      if (!is_new) {
        EXPECT_EQ(std::vector<float>(now.begin(), now.end()), found->second);
        ++compared;
      }
      wanted_.resize(now.size());
      want(source_, std::span<const int32_t>(text_).subspan(prompt.size()), wanted_);
      const auto width = static_cast<int64_t>(wanted_.size());
      const Chosen chosen =
          testing::choose_largest(cpu_device(), view_of_floats(wanted_, {1, width}), {&entry.banned, 1});
      token_.id = chosen.ids[0];
      return {&token_, 1};
    }
    int compared = 0;

   private:
    DeviceRunner inner_;
    const Looping source_{honest, distinct(31)};
    Ids text_;
    std::map<Ids, std::vector<float>> logits_;
    std::vector<float> wanted_;
    NextToken token_;
  };
  static const Model unlimited(mini_folder.parent_path() / "unlimited-ocr" / "mini");
  struct Case {
    const Decoder& decoder;
    int64_t kept;
    bool made_again;
  };
  for (const auto& [decoder, kept, made_again] :
       {Case{mini().decoder, 1024, false}, Case{unlimited.decoder, 1024, false}, Case{unlimited.decoder, 8, true}}) {
    SCOPED_TRACE(kept);
    Replaced runner(decoder);
    Outcome outcome;
    EngineRun engine(runner);
    Request request = request_of();
    request.guard.kept = kept;
    engine.add(request, outcome);
    engine.run();
    EXPECT_GE(outcome.loops.size(), 3u);
    EXPECT_GE(runner.compared, 3);
    EXPECT_EQ(engine.engine.preemptions() > 0, made_again);
  }
}

}  // namespace
}  // namespace lectern
