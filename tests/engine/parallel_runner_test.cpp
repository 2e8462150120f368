// Several ranks against one: every golden, decoders of odd sizes, all formats, company, windows, and ranks that fail.
#include "engine/parallel_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <deque>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/threads.h"
#include "device/cpu/cpu_device.h"
#include "device/device_failure.h"
#include "engine/quantize.h"
#include "support/bits.h"
#include "support/engine_runs.h"
#include "support/golden_case.h"
#include "support/least_device.h"
#include "support/odd_decoder.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::DecoderSizes;
using testing::EngineRun;
using testing::OddDecoder;
using testing::Random;
using testing::relative_error;
using testing::WrittenText;

std::deque<RankModel> ranks_of(const Checkpoint& checkpoint, WeightFormat format, int ranks) {
  std::deque<RankModel> all;
  for (int i = 0; i < ranks; ++i) all.emplace_back(checkpoint, cpu_device(), format, i, ranks);
  return all;
}

WrittenText written(ModelRunner& runner, const Request& request) {
  EngineRun engine(runner);
  WrittenText text;
  engine.add(request, text);
  engine.run();
  return text;
}

WrittenText written_by(const Checkpoint& checkpoint, WeightFormat format, int ranks, const Request& request,
                       int64_t positions = 512) {
  const std::deque<RankModel> all = ranks_of(checkpoint, format, ranks);
  if (ranks == 1) {
    DeviceRunner runner(cpu_device(), all.front().decoder, nullptr, positions);
    return written(runner, request);
  }
  ParallelRunner runner(all, positions);
  return written(runner, request);
}

Request text_request(uint32_t seed, int vocabulary, int64_t prompt, int64_t tokens) {
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
struct Difference {
  double logits = 0, log_probabilities = 0;
};
Difference difference(const WrittenText& got, const WrittenText& expected) {
  Difference most;
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

void expect_same(const WrittenText& got, const WrittenText& expected) {
  EXPECT_EQ(got.error, expected.error);
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(got.finishes, expected.finishes);
  const Difference most = difference(got, expected);
  EXPECT_LT(most.logits, 1e-5);
  EXPECT_LT(most.log_probabilities, 1e-5);
}

void expect_same_bits(const WrittenText& got, const WrittenText& expected) {
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(testing::different_bits(got.log_probabilities, expected.log_probabilities), 0);
  ASSERT_EQ(got.logits.size(), expected.logits.size());
  for (size_t i = 0; i < got.logits.size(); ++i)
    ASSERT_EQ(testing::different_bits(got.logits[i], expected.logits[i]), 0) << "token " << i;
}

struct Golden {
  std::string folder, model, expected;
};

class ParallelGoldens : public ::testing::TestWithParam<Golden> {};

// The image's rows are those that the reference wrote down; every token is one of the reference's, since forced tokens
// are told as they would have been chosen.
TEST_P(ParallelGoldens, AreThoseOfOneRank) {
  const Golden golden = GetParam();
  const std::string folder = TEST_DATA "/goldens/" + golden.folder;
  const LoadedModel model(folder + golden.model, cpu_device(), WeightFormat::f32);
  for (const json& c : json::parse(std::ifstream(folder + "cases.json"))) {
    if (c["expected"] != golden.expected + ".safetensors") continue;
    const Safetensors file = Safetensors::open(folder + golden.expected + ".safetensors");
    const TensorView rows = file.tensors().at("image_sequence");
    const auto values = testing::copy_of<float>(rows);
    Request request;
    request.prompt = model.expand_prompt(c["prompt_token_ids"].get<std::vector<int32_t>>(), rows.shape[0]);
    request.image_token = model.image_token;
    request.image = view_of_floats(values, rows.shape);
    request.forced = c["forced_token_ids"].get<std::vector<int32_t>>();
    request.logits = true;
    request.no_repeat.n = 0;
    const int64_t positions = 4096;
    const WrittenText expected = written_by(model.checkpoint, WeightFormat::f32, 1, request, positions);
    for (const int ranks : {2, 4}) {
      SCOPED_TRACE(ranks);
      expect_same(written_by(model.checkpoint, WeightFormat::f32, ranks, request, positions), expected);
    }
    return;
  }
  FAIL() << "no case of this name";
}

INSTANTIATE_TEST_SUITE_P(Models, ParallelGoldens,
                         ::testing::Values(Golden{"", "mini", "page-gundam"}, Golden{"", "mini", "page-base"},
                                           Golden{"", "mini", "page-large"}, Golden{"", "mini", "receipt-gundam"},
                                           Golden{"", "mini", "receipt-tiny"}, Golden{"", "mini", "receipt-small"},
                                           Golden{"", "mini", "banner-gundam"}, Golden{"", "mini", "noise-gundam"}),
                         [](const auto& info) {
                           std::string name = info.param.folder + info.param.expected;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

// 3 heads and 5 experts, which no number of ranks divides but theirs; queries that share keys; experts without a shared
// one, and none at all.
std::vector<DecoderSizes> odd_sizes() {
  DecoderSizes grouped;
  grouped.heads = 6;
  grouped.kv_heads = 2;
  grouped.vocabulary = 97;
  DecoderSizes wide;
  wide.hidden = 160;
  wide.heads = wide.kv_heads = 10;
  wide.experts = 7;
  wide.inner = 640;
  wide.expert_inner = 64;
  wide.shared_inner = 0;
  DecoderSizes dense;
  dense.dense_layers = dense.layers;
  return {{}, grouped, wide, dense};
}

TEST(ParallelRunner, WritesWhatOneRankWritesInOddSizes) {
  for (const DecoderSizes& sizes : odd_sizes()) {
    const OddDecoder odd(sizes);
    const Checkpoint checkpoint = odd.open();
    const Request request = text_request(2, sizes.vocabulary, 70, 6);
    const WrittenText expected = written_by(checkpoint, WeightFormat::f32, 1, request);
    for (const int ranks : {2, 5, 8}) {
      SCOPED_TRACE(::testing::Message() << sizes.heads << " heads over " << ranks << " ranks");
      expect_same(written_by(checkpoint, WeightFormat::f32, ranks, request), expected);
    }
  }
}

// Weights are the same numbers, rounded as in one rank: what differs is the order of sums, and where values between
// products are rounded to bf16 or to bytes. So several ranks are as far from f32 as one.
TEST(ParallelRunner, IsAsNearToF32AsOneRankInNarrowFormats) {
  for (const DecoderSizes& sizes : odd_sizes()) {
    const OddDecoder odd(sizes);
    const Checkpoint checkpoint = odd.open();
    Request request = text_request(3, sizes.vocabulary, 30, 0);
    request.forced = text_request(4, sizes.vocabulary, 4, 0).prompt;
    const WrittenText exact = written_by(checkpoint, WeightFormat::f32, 1, request);
    for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
      const double expected = difference(written_by(checkpoint, format, 1, request), exact).logits;
      for (const int ranks : {2, 5}) {
        const double got = difference(written_by(checkpoint, format, ranks, request), exact).logits;
        EXPECT_LT(got, 2 * expected) << name_of(format) << ", " << sizes.heads << " heads, " << ranks << " ranks";
      }
    }
  }
}

// A model that was packed ahead is taken apart as one that is packed when it is loaded.
TEST(ParallelRunner, TakesPackedModelsApart) {
  const testing::TempFolder folder;
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q4}) {
    const std::filesystem::path packed = folder / std::string(name_of(format));
    quantize_model(testing::mini_folder, packed, format, cpu_device());
    const Checkpoint plain = Checkpoint::open(testing::mini_folder);
    const Request request = text_request(5, 500, 40, 6);
    for (const int ranks : {2, 4}) {
      expect_same_bits(written_by(Checkpoint::open(packed), format, ranks, request),
                       written_by(plain, format, ranks, request));
    }
  }
}

// Together, with pages for few of them, they write what each writes alone: the same bits in every run.
TEST(ParallelRunner, WritesTheSameAloneAndInCompany) {
  const OddDecoder odd({});
  const Checkpoint checkpoint = odd.open();
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::q8}) {
    const std::deque<RankModel> ranks = ranks_of(checkpoint, format, 3);
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

// Unlimited-OCR's window, with a guard that watches.
TEST(ParallelRunner, FollowsAWindow) {
  const LoadedModel model(TEST_DATA "/goldens/unlimited-ocr/mini", cpu_device(), WeightFormat::f32);
  ASSERT_GT(model.decoder.config().window, 0);
  Request request = text_request(6, model.decoder.config().vocabulary, 50, 100);
  request.guard.classes = &model.token_classes;
  request.logits = false;
  const WrittenText expected = written_by(model.checkpoint, WeightFormat::f32, 1, request, 1024);
  for (const int ranks : {2, 4}) {
    const WrittenText got = written_by(model.checkpoint, WeightFormat::f32, ranks, request, 1024);
    EXPECT_EQ(got.tokens, expected.tokens);
    EXPECT_EQ(got.finishes, expected.finishes);
    EXPECT_EQ(got.loops.size(), expected.loops.size());
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
  const std::deque<RankModel> ranks = ranks_of(checkpoint, WeightFormat::f32, 3);
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
  const std::deque<RankModel> one = ranks_of(checkpoint, WeightFormat::f32, 1);
  const std::deque<RankModel> four = ranks_of(checkpoint, WeightFormat::f32, 4);
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
