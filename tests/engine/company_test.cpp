// What a sequence computes does not depend on who is in the batch, on where its prompt is cut, on preemptions or on
// the number of threads: the logits of every step are the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "core/threads.h"
#include "engine/loaded_model.h"
#include "support/engine_runs.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::EngineRun;
using testing::mini_folder;
using testing::Random;
using testing::WrittenText;

constexpr int64_t max_prompt = 70, max_written = 24;

class Company {
 public:
  explicit Company(WeightFormat format) : model_(mini_folder, cpu_device(), format) {
    Random random(7);
    for (int i = 0; i < 24; ++i) {
      requests_.push_back(random_request(random));
      WrittenText& outcome = alone_.emplace_back();
      run({.sequences = 1}, model_.decoder.config().context, {{requests_.size() - 1, 0}}, {&outcome});
    }
  }

  // A random company of random limits. -> preemptions
  int64_t check(uint32_t seed) {
    Random random(seed);
    set_threads(static_cast<int>(random.between(1, 4)));
    const auto count = static_cast<size_t>(random.between(2, random.between(0, 2) == 0 ? 24 : 8));
    std::vector<Arrival> arrivals;
    std::vector<WrittenText> outcomes(count);
    std::vector<WrittenText*> places;
    for (size_t i = 0; i < count; ++i) {
      const auto which = static_cast<size_t>(random.between(0, static_cast<int64_t>(requests_.size()) - 1));
      arrivals.push_back({which, static_cast<int>(random.between(0, 12))});
      places.push_back(&outcomes[i]);
    }
    SchedulerLimits limits;
    limits.sequences = static_cast<int>(random.between(1, 24));
    limits.prompt_rows = random.between(1, 200);
    limits.prompt_rows_beside = random.between(1, 60);
    const int64_t preemptions =
        run(limits, random.between(0, 1) == 0 ? 3 * 64 : 6 * 64, arrivals, places);  // pages are of 64 positions
    set_threads(0);
    for (size_t i = 0; i < count; ++i) expect_equal(outcomes[i], alone_[arrivals[i].request], arrivals[i].request);
    return preemptions;
  }

 private:
  struct Arrival {
    size_t request = 0;
    int step = 0;
  };

  Request random_request(Random& random) const {
    Request request;
    const int64_t length = random.between(1, max_prompt);
    for (int64_t i = 0; i < length; ++i) request.prompt.push_back(static_cast<int32_t>(random.between(3, 258)));
    if (random.between(0, 2) == 0) {
      auto views = std::make_shared<Views>();
      views->whole = Picture(64, 64);
      for (uint8_t& level : views->whole.rgb) level = static_cast<uint8_t>(random.bits());
      if (random.between(0, 1) == 0) {
        views->columns = 2;
        for (int i = 0; i < 2; ++i) {
          views->tiles.emplace_back(64, 64);
          for (uint8_t& level : views->tiles.back().rgb) level = static_cast<uint8_t>(random.bits());
        }
      }
      const int64_t rows = model_.encoder.rows_of(*views);
      const int64_t at = random.between(0, length);
      request.prompt.insert(request.prompt.begin() + at, static_cast<size_t>(rows), model_.image_token);
      request.image_token = model_.image_token;
      request.views = std::move(views);
    }
    request.max_tokens = random.between(1, max_written);
    request.no_repeat.n = 0;
    request.logits = true;
    return request;
  }

  int64_t run(const SchedulerLimits& limits, int64_t positions, std::vector<Arrival> arrivals,
              const std::vector<WrittenText*>& outcomes) {
    DeviceRunner runner(model_.device, model_.decoder, &model_.encoder, positions);
    EngineRun engine(runner, limits);
    bool more = true;
    for (int step = 0; more || step <= 12; ++step) {
      for (size_t i = 0; i < arrivals.size(); ++i) {
        if (arrivals[i].step == step) engine.add(requests_[arrivals[i].request], *outcomes[i]);
      }
      more = engine.step();
      EXPECT_LT(step, 5000);
      if (step >= 5000) break;
    }
    EXPECT_EQ(runner.pages().free_pages(), runner.pages().pages());
    return engine.engine.preemptions();
  }

  static void expect_equal(const WrittenText& got, const WrittenText& expected, size_t request) {
    EXPECT_EQ(got.tokens, expected.tokens) << "request " << request;
    EXPECT_EQ(got.finishes, expected.finishes);
    ASSERT_EQ(got.logits.size(), expected.logits.size());
    for (size_t step = 0; step < expected.logits.size(); ++step) {
      const std::vector<float>&a = got.logits[step], &b = expected.logits[step];
      ASSERT_EQ(a.size(), b.size());
      ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0)
          << "request " << request << ", token " << step << ": off by " << testing::relative_error(a, b);
    }
  }

  const LoadedModel model_;
  std::vector<Request> requests_;
  std::deque<WrittenText> alone_;
};

void check(WeightFormat format, uint32_t companies) {
  Company company(format);
  int64_t preemptions = 0;
  for (uint32_t seed = 1; seed <= companies; ++seed) {
    SCOPED_TRACE(seed);
    preemptions += company.check(seed);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(preemptions, 0);
}

TEST(Company, InF32IsTheSameBits) { check(WeightFormat::f32, 40); }
TEST(Company, InBf16IsTheSameBits) { check(WeightFormat::bf16, 40); }
TEST(Company, InQ8IsTheSameBits) { check(WeightFormat::q8, 40); }
TEST(Company, InQ4IsTheSameBits) { check(WeightFormat::q4, 40); }

}  // namespace
}  // namespace lectern
