// Ranks in company, set back, with bans, and ranks that fail. What they write is tested in parallel_goldens_test.cpp.
#include "engine/parallel_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <new>

#include "device/device_failure.h"
#include "support/least_device.h"
#include "support/rank_runs.h"

namespace lectern {
namespace {

using testing::DecoderSizes;
using testing::EngineRun;
using testing::expect_same_bits;
using testing::OddDecoder;
using testing::rank_models;
using testing::text_request;
using testing::written;
using testing::WrittenText;

// Together, with pages for few of them, they write what each writes alone: the same bits in every run.
TEST(ParallelRunner, WritesTheSameAloneAndInCompany) {
  const OddDecoder odd({});
  const Checkpoint checkpoint = odd.open();
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::q8}) {
    const std::deque<RankModel> ranks = rank_models(checkpoint, format, 3);
    std::vector<Request> requests;
    std::vector<WrittenText> alone, together(4);
    for (uint32_t i = 0; i < together.size(); ++i) {
      requests.push_back(text_request(10 + i, 131, 55 + 2 * i, 20));
      ParallelRunner runner(ranks, 512);
      alone.push_back(written(runner, requests.back()));
    }
    ParallelRunner runner(ranks, 3 * 64);
    EngineRun engine(runner, {.sequences = 4, .prompt_rows = 50, .prompt_rows_beside = 20});
    for (size_t i = 0; i < requests.size(); ++i) engine.add(requests[i], together[i]);
    engine.run();
    EXPECT_GT(engine.engine.preemptions(), 0);
    EXPECT_EQ(runner.pages().free_pages(), runner.pages().pages());
    for (size_t i = 0; i < requests.size(); ++i) expect_same_bits(together[i], alone[i]);
  }
}

// A step of one sequence, without an engine.
NextToken first_token(ModelRunner& runner, const std::vector<int32_t>& ids, const std::vector<int32_t>& banned,
                      int64_t position = 0) {
  const std::vector<int32_t> pages = {0};
  Batch batch;
  batch.entries.push_back({.ids = ids, .position = position, .prompt = 3, .pages = pages, .chooses = true});
  batch.entries.back().banned = banned;
  NextToken token = runner.step(batch)[0];
  token.logits = {};
  return token;
}

// As a guard sets a sequence back: rows of the cache are written anew in all ranks.
TEST(ParallelRunner, GoesBack) {
  const OddDecoder odd({});
  const Checkpoint checkpoint = odd.open();
  const std::deque<RankModel> ranks = rank_models(checkpoint, WeightFormat::f32, 3);
  ParallelRunner runner(ranks, 64);
  const std::vector<int32_t> prompt = {5, 6, 7};
  first_token(runner, prompt, {});
  const NextToken expected = first_token(runner, {8}, {}, 3);
  first_token(runner, {9}, {}, 4);
  first_token(runner, {10}, {}, 3);
  first_token(runner, {11}, {}, 4);
  const NextToken again = first_token(runner, {8}, {}, 3);
  EXPECT_EQ(again.id, expected.id);
  EXPECT_EQ(again.log_probability, expected.log_probability);
}

TEST(ParallelRunner, ChoosesAmongWhatIsNotBanned) {
  const OddDecoder odd({});
  const Checkpoint checkpoint = odd.open();
  const std::deque<RankModel> one = rank_models(checkpoint, WeightFormat::f32, 1);
  const std::deque<RankModel> four = rank_models(checkpoint, WeightFormat::f32, 4);
  DeviceRunner alone(cpu_device(), one.front().decoder, nullptr, 64);
  ParallelRunner together(four, 64);
  const std::vector<int32_t> ids = {5, 6, 7};
  std::vector<int32_t> banned = {-1, 131, 400};
  // The words of each rank in turn, up to all of them.
  for (const RankModel& rank : four) {
    const NextToken expected = first_token(alone, ids, banned);
    const NextToken got = first_token(together, ids, banned);
    EXPECT_GE(got.id, 0);
    EXPECT_EQ(got.id, expected.id);
    EXPECT_NEAR(got.log_probability, expected.log_probability, 1e-5);
    const Range words = rank.decoder.share().vocabulary;
    for (int64_t id = words.first; id < words.end(); ++id) banned.push_back(static_cast<int32_t>(id));
  }
  EXPECT_EQ(first_token(alone, ids, banned).id, -1);
  EXPECT_EQ(first_token(together, ids, banned).id, -1);
}

std::atomic<int> fails = 0;  // 1: as cards do, 2: for want of memory

// What one rank throws is thrown from the step of all, none waits for it, and the next step is as if nothing had been.
TEST(ParallelRunner, EndsTheStepOfAllWhenOneRankFails) {
  DecoderSizes sizes;
  sizes.layers = 2;
  const OddDecoder odd(sizes);
  const Checkpoint checkpoint = odd.open();
  for (const int failing : {0, 1, 2}) {
    std::deque<testing::LeastDevice> devices;
    std::deque<RankModel> ranks;
    for (int i = 0; i < 3; ++i) {
      Device& device = i != failing ? devices.emplace_back() : devices.emplace_back([](Operators& own) {
        static const auto divide = own.divide;
        own.divide = [](Device& on, const BinaryArgs& args) {
          if (fails == 1) throw DeviceFailure("card gone");
          if (fails == 2) throw std::bad_alloc();
          divide(on, args);
        };
      });
      ranks.emplace_back(checkpoint, device, WeightFormat::f32, i, 3);
    }
    ParallelRunner runner(ranks, 64);
    fails = 0;
    const NextToken expected = first_token(runner, {5, 6, 7}, {});
    fails = 1;
    for (int i = 0; i < 2; ++i) {
      try {
        first_token(runner, {5, 6, 7}, {});
        FAIL() << "the step went on";
      } catch (const DeviceFailure& failure) {
        EXPECT_STREQ(failure.what(), "card gone");
      }
    }
    fails = 2;
    EXPECT_THROW(first_token(runner, {5, 6, 7}, {}), std::bad_alloc);
    fails = 0;
    const NextToken again = first_token(runner, {5, 6, 7}, {});
    EXPECT_EQ(again.id, expected.id);
    EXPECT_EQ(again.log_probability, expected.log_probability);
  }
}

}  // namespace
}  // namespace lectern
