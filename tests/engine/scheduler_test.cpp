// The scheduler behind the engine, on a fake model: random requests come and go, with few pages.
#include "engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "language/tokenizer.h"
#include "support/engine_runs.h"
#include "support/fake_runner.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::EngineRun;
using testing::FakeLimits;
using testing::FakeRunner;
using testing::Random;
using testing::WrittenText;

constexpr int32_t image_token = 400;
constexpr int32_t first_of_prompts = 300;  // smaller ids are written

// Writes what a hash of the whole text says; every text ends sooner or later.
void write_hash(std::span<const int32_t> text, std::span<float> logits) {
  std::ranges::fill(logits.subspan(first_of_prompts), -100.0F);
  uint64_t hash = 14695981039346656037u;
  for (const int32_t id : text) hash = (hash ^ static_cast<uint64_t>(id + 7)) * 1099511628211u;
  for (int i = 0; i < 5; ++i) {
    hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u;
    logits[2 + hash % (first_of_prompts - 2)] = 9.0F - static_cast<float>(i) * 0.5F;
  }
  if (hash % 60 == 0) logits[1] = 20;
}

// What a text of few different pairs goes on with, so that it soon repeats itself.
int32_t next_after(std::span<const int32_t> text, int64_t pairs) {
  uint64_t hash = 14695981039346656037u;
  for (const int32_t id : text.last(std::min<size_t>(text.size(), 2)))
    hash = (hash ^ static_cast<uint64_t>(id)) * 1099511628211u;
  return static_cast<int32_t>(10 + (hash >> 20) % static_cast<uint64_t>(pairs));
}

void write_loops(std::span<const int32_t> text, std::span<float> logits) {
  std::ranges::fill(logits.subspan(first_of_prompts), -100.0F);
  for (int32_t i = 0; i < 5; ++i)
    logits[static_cast<size_t>(next_after(text, 12) + 3 * i)] = 9.0F - static_cast<float>(i) * 0.5F;
}

// Of so few tokens a loop that it is found soon.
Guard early_guard(Random& random) {
  static const Tokenizer tokenizer = Tokenizer::load(testing::mini_folder / "tokenizer.json");
  static const TokenClasses classes(tokenizer);
  Guard guard;
  guard.classes = &classes;
  const auto few = static_cast<int>(random.between(34, 60));
  guard.limits = {.rich = few,
                  .poor = few,
                  .unbroken = few,
                  .same_box = few,
                  .counter = few,
                  .boxes = few,
                  .numbers = few,
                  .lines_of_numbers = 2,
                  .stale = few,
                  .unbroken_stale = few,
                  .repeats = 2};
  guard.kept = random.between(0, 40);
  return guard;
}

Request random_request(Random& random, int64_t capacity) {
  Request request;
  const int64_t length = random.between(1, random.between(0, 4) == 0 ? capacity - 2 : capacity / 3);
  for (int64_t i = 0; i < length; ++i)
    request.prompt.push_back(static_cast<int32_t>(random.between(first_of_prompts, image_token - 1)));
  if (random.between(0, 1) == 0) {
    const int64_t rows = random.between(1, length);
    const int64_t at = random.between(0, length - rows);
    std::fill_n(request.prompt.begin() + at, rows, image_token);
    request.image_token = image_token;
    request.views = FakeRunner::views(static_cast<int>(rows), static_cast<int>(random.between(1, 9)),
                                      static_cast<int>(random.between(0, 1000)));
  }
  request.max_tokens = random.between(0, 2) == 0 ? 0 : random.between(1, capacity);
  if (random.between(0, 2) == 0) request.sampling = {1.5F, 0.8F, static_cast<uint64_t>(random.between(0, 1 << 20))};
  request.no_repeat = {static_cast<int>(random.between(0, 3)), 20, {}};
  return request;
}

struct Pending {
  Request request;
  WrittenText outcome;
  RequestId id = 0;
  bool cancelled = false;
};

WrittenText alone(const Request& request, const FakeLimits& limits, const FakeRunner::Model& model) {
  FakeRunner runner(model, limits);
  EngineRun engine(runner);
  WrittenText outcome;
  engine.add(request, outcome);
  engine.run(100'000);
  return outcome;
}

// One engine with its own limits for so many steps, and the end of all that is in flight then. -> preemptions.
int64_t drive(uint32_t seed, int64_t steps, int64_t window = 0) {
  Random random(seed);
  FakeLimits limits;
  limits.pages = static_cast<int32_t>(random.between(1, 20));
  limits.page_tokens = static_cast<int>(random.between(1, 16));
  limits.pages = std::max(limits.pages, static_cast<int32_t>(8 / limits.page_tokens + 1));
  limits.context = random.between(0, 1) == 0 ? 8192 : 60;
  limits.window = window;
  const int64_t capacity = std::min<int64_t>(limits.context, static_cast<int64_t>(limits.pages) * limits.page_tokens);
  const FakeRunner::Model model = random.coin() ? write_hash : write_loops;
  FakeRunner runner(model, limits);
  runner.on_entry = [](const BatchEntry& entry, bool written) {
    for (const int32_t id : entry.ids) EXPECT_EQ(id < first_of_prompts, written) << "rows of written tokens come first";
  };
  EngineRun engine(runner, {.sequences = static_cast<int>(random.between(1, 24)),
                            .prompt_rows = random.between(1, 100),
                            .prompt_rows_beside = random.between(1, 20)});
  std::deque<Pending> all;  // whose places stay
  bool more = true;
  for (int64_t step = 0; step < steps || more; ++step) {
    EXPECT_LT(step, steps + 200'000) << "it does not end";
    if (step > steps + 200'000) break;
    if (step < steps && random.between(0, 5) == 0) {
      for (int64_t i = random.between(1, 4); i > 0; --i) {
        Pending& pending = all.emplace_back();
        pending.request = random_request(random, capacity);
        if (random.coin()) pending.request.guard = early_guard(random);
        pending.id = engine.add(pending.request, pending.outcome);
      }
    }
    if (!all.empty() && random.between(0, 9) == 0) {
      Pending& any = all[static_cast<size_t>(random.between(0, static_cast<int64_t>(all.size()) - 1))];
      any.cancelled |= !any.outcome.ended();
      engine.engine.cancel(any.id);
    }
    const int64_t pieces = runner.pieces;
    const int64_t before = runner.steps;
    more = engine.step();
    EXPECT_TRUE(!more || runner.pieces > pieces || runner.steps > before) << "a step did nothing";
  }
  EXPECT_EQ(runner.pages().free_pages(), limits.pages) << "pages leaked";
  for (const Pending& pending : all) {
    const WrittenText& outcome = pending.outcome;
    EXPECT_TRUE(outcome.ended());
    EXPECT_EQ(outcome.error, "");
    const WrittenText expected = alone(pending.request, limits, model);
    if (outcome.finishes == std::vector<Finish>{Finish::stopped}) {
      EXPECT_TRUE(pending.cancelled);
      if (pending.request.guard.classes != nullptr) continue;  // more may have been told than a loop would leave
      EXPECT_LE(outcome.tokens.size(), expected.tokens.size());
      EXPECT_TRUE(std::equal(outcome.tokens.begin(), outcome.tokens.end(), expected.tokens.begin()));
      continue;
    }
    EXPECT_EQ(outcome.tokens, expected.tokens);
    EXPECT_EQ(outcome.log_probabilities, expected.log_probabilities);
    EXPECT_EQ(outcome.finishes, expected.finishes);
    EXPECT_EQ(outcome.steps, expected.steps);
    EXPECT_EQ(outcome.started, 1);
  }
  return engine.engine.preemptions();
}

TEST(Scheduler, RandomCompaniesAllEndWithTheTextOfEachAlone) {
  int64_t preemptions = 0;
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    preemptions += drive(seed, 200);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(preemptions, 100);
}

TEST(Scheduler, RandomCompaniesWithAWindowToo) {
  int64_t preemptions = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    preemptions += drive(seed, 150, 1 + seed % 20);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(preemptions, 50);
}

// However long the text, no more is held than the prompt, the window, and the page that each begins and ends in.
TEST(Scheduler, AWindowKeepsFewPages) {
  FakeLimits limits;
  limits.pages = 12;
  limits.page_tokens = 4;
  limits.window = 16;
  FakeRunner runner([](std::span<const int32_t> text, std::span<float> logits) { logits[text.back() % 50 + 2] = 1; },
                    limits);
  int64_t most = 0;
  runner.on_entry = [&](const BatchEntry& entry, bool) {
    most = std::max<int64_t>(most, std::ranges::count_if(entry.pages, [](int32_t page) { return page >= 0; }));
  };
  EngineRun engine(runner);
  Request request;
  request.prompt.assign(10, first_of_prompts);
  request.no_repeat.n = 0;
  request.max_tokens = 2000;
  WrittenText outcome;
  engine.add(request, outcome);
  engine.run(10'000);
  EXPECT_EQ(outcome.tokens.size(), 2000u);
  EXPECT_LE(most, 3 + 5);
  EXPECT_EQ(runner.pages().free_pages(), 12);
}

// The oldest are never preempted, and nobody overtakes.
TEST(Scheduler, AdmitsInTheOrderOfArrival) {
  FakeRunner runner(write_hash, {.pages = 6, .page_tokens = 8});
  Engine engine(runner, {.sequences = 8});
  std::vector<RequestId> started, added;
  for (const int64_t length : {20, 40, 3, 3, 30, 1}) {
    Request request;
    request.prompt.assign(static_cast<size_t>(length), first_of_prompts);
    request.max_tokens = 6;
    added.push_back(engine.add(request));
  }
  for (bool more = true; more;) {
    more = engine.step();
    for (const RequestEvent& event : engine.take_events()) {
      if (event.kind == RequestEvent::Kind::started) started.push_back(event.request);
    }
  }
  EXPECT_EQ(started, added);
}

struct Loops {
  int64_t found = 0;
  int64_t far_back = 0;  // so far that the prompt was read again
};

// The scheduler by itself, with sequences that go back in their text, too.
void drive_alone(uint32_t seed, Loops& loops) {
  Random random(seed);
  PagePool pool(static_cast<int32_t>(random.between(8, 40)), static_cast<int>(random.between(2, 16)));
  const int64_t window = random.between(0, 3) == 0 ? 0 : random.between(1, 20);
  Scheduler scheduler(pool, {.sequences = static_cast<int>(random.between(1, 12)),
                             .prompt_rows = random.between(1, 100),
                             .prompt_rows_beside = random.between(1, 20)});
  const int64_t pairs = random.between(2, 12);
  RequestId added = 0;
  for (int step = 0; step < 400 || !scheduler.idle(); ++step) {
    ASSERT_LT(step, 100'000) << "it does not end";
    if (step < 400 && random.between(0, 5) == 0) {
      Request request = random_request(random, scheduler.capacity());
      request.sampling = {};
      if (random.between(0, 3) > 0) request.guard = early_guard(random);
      const int64_t room = scheduler.capacity() - static_cast<int64_t>(request.prompt.size());
      const int64_t budget = request.max_tokens > 0 ? std::min(request.max_tokens, room) : room;
      scheduler.add(std::make_unique<Sequence>(++added, std::move(request), pool, budget, window));
    }
    const StepPlan plan = scheduler.plan();
    if (scheduler.idle()) continue;
    ASSERT_FALSE(scheduler.running().empty()) << "nobody goes on";
    const Sequence* const oldest = scheduler.running().front().get();
    EXPECT_TRUE(plan.encode == oldest ||
                std::ranges::any_of(plan.rows, [&](const auto& rows) { return rows.sequence == oldest; }));
    int64_t held = 0;
    for (const auto& sequence : scheduler.running()) held += sequence->pages.held();
    EXPECT_EQ(held, pool.pages() - pool.free_pages());
    for (const auto& sequence : scheduler.waiting()) {
      EXPECT_GT(sequence->id, scheduler.running().back()->id) << "it was overtaken";
      EXPECT_EQ(sequence->pages.held(), 0);
    }
    for (const auto& [sequence, count] : plan.rows) {
      EXPECT_GE(sequence->pages.reach(), sequence->cached + count);
      sequence->cached += count;
      if (sequence->left() > 0) continue;
      const Sequence::Outcome outcome = sequence->choose({.id = next_after(sequence->ids, pairs)}, {});
      sequence->take_committed(false);
      loops.found += outcome.loop ? 1 : 0;
      loops.far_back += sequence->lacks_rows() ? 1 : 0;
      sequence->finished = outcome.finish.has_value();
    }
    if (plan.encode != nullptr && random.coin()) plan.encode->request.views.reset();
    for (const auto& sequence : scheduler.running()) sequence->finished |= random.between(0, 999) == 0;  // cancelled
    scheduler.remove_finished();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(pool.free_pages(), pool.pages());
}

TEST(Scheduler, TheOldestGoesOnInEveryStep) {
  Loops loops;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    drive_alone(seed, loops);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(loops.found, 100);
  EXPECT_GT(loops.far_back, 10);
}

TEST(Scheduler, APreemptedSequenceMakesItsRowsAgainAsTheyWereMade) {
  FakeRunner runner(write_hash, {.pages = 6, .page_tokens = 4});
  std::vector<int64_t> replayed;  // written rows of one entry
  runner.on_entry = [&](const BatchEntry& entry, bool written) {
    if (written && entry.ids.size() > 1) replayed.push_back(static_cast<int64_t>(entry.ids.size()));
  };
  EngineRun engine(runner, {.sequences = 2});
  std::vector<WrittenText> outcomes(2);
  for (WrittenText& outcome : outcomes) {
    Request request;
    request.prompt.assign(3, first_of_prompts);
    request.forced.assign(18, 9);
    engine.add(request, outcome);
  }
  engine.run();
  EXPECT_GE(engine.engine.preemptions(), 1);
  ASSERT_FALSE(replayed.empty());
  EXPECT_GT(replayed.front(), 4);
  for (const WrittenText& outcome : outcomes) EXPECT_THAT(outcome.finishes, ElementsAre(Finish::length));
}

}  // namespace
}  // namespace lectern
