#include "device/ascend/hccl.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <thread>

#include "device/device_failure.h"
#include "device/host_values.h"
#include "engine/parallel_runner.h"
#include "support/bits.h"
#include "support/engine_runs.h"
#include "support/fake_card.h"
#include "support/golden_case.h"
#include "support/mini_model.h"
#include "support/rank_runs.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::WrittenText;

// Two cards of one machine. They are not tried out first, which takes longer than all tests here.
class Hccl : public ::testing::Test {
 protected:
  explicit Hccl(int count = 2) : cann_(std::make_unique<testing::FakeCann>()) {
    fake_cann_set_devices(8);
    for (int i = 0; i < count; ++i) add(i);
  }
  ~Hccl() override {
    devices_.clear();
    EXPECT_EQ(fake_cann_communicators(), 0u);
  }

  // Cards of a machine that nobody has used.
  void begin_anew(int count, bool graphs = true) {
    devices_.clear();
    cann_.reset();
    cann_ = std::make_unique<testing::FakeCann>();
    fake_cann_set_devices(8);
    fake_cann_set_patience(600'000);
    for (int i = 0; i < count; ++i) add(i, {}, graphs);
  }
  void add(int card, const std::function<bool(std::string_view)>& offered = {}, bool graphs = true) {
    ascend::AscendOptions options = testing::fake_options(DataType::bf16);
    options.session.graphs = graphs;
    options.session.card = card;
    options.session.library.offered = offered;
    devices_.push_back(std::make_unique<ascend::AscendDevice>(std::make_unique<ascend::Session>(options.session),
                                                              DataType::bf16, OperatorSet()));
  }
  std::vector<Device*> devices() const {
    std::vector<Device*> all;
    all.reserve(devices_.size());
    for (const auto& device : devices_) all.push_back(device.get());
    return all;
  }

  // Runs body(communicator, device) in a thread for every rank. -> what each threw, or ""
  template <typename Body>
  std::vector<std::string> on_ranks(const Body& body) {
    const std::vector<Device*> all = devices();
    const std::vector<JoinRanks> joins = ascend::hccl_ranks(all);
    std::vector<std::string> thrown(all.size());
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < all.size(); ++i) {
        threads.emplace_back([&, i] {
          try {
            const std::unique_ptr<Communicator> rank = joins[i]();
            body(*rank, *all[i]);
          } catch (const DeviceFailure& failure) {
            thrown[i] = failure.what();
          }
        });
      }
    }
    return thrown;
  }

  std::unique_ptr<testing::FakeCann> cann_;
  std::vector<std::unique_ptr<Device>> devices_;
};

TEST_F(Hccl, SumsGathersAndBroadcasts) {
  add(2);
  const std::vector<std::string> thrown = on_ranks([](Communicator& rank, Device& device) {
    EXPECT_EQ(rank.size(), 3);
    const std::vector<float> own(4, static_cast<float>(rank.rank() + 1));
    const Tensor x = from_host(device, own, {2, 2});
    const Tensor all(device, DataType::f32, {3, 2, 2});
    rank.all_gather(x, all);
    EXPECT_EQ(floats_to_host(device, all), (std::vector<float>{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
    rank.all_reduce(x);
    EXPECT_EQ(floats_to_host(device, x), std::vector<float>(4, 6.0f));
    const Tensor y = from_host(device, own, {4});
    rank.broadcast(y, 1);
    EXPECT_EQ(floats_to_host(device, y), std::vector<float>(4, 2.0f));
    const Tensor narrow(device, DataType::bf16, {4});
    device.copy({y, narrow});
    rank.all_reduce(narrow);
    EXPECT_EQ(floats_to_host(device, narrow), std::vector<float>(4, 6.0f));
    rank.barrier();
  });
  EXPECT_EQ(thrown, std::vector<std::string>(devices_.size()));
}

// (1 + 1e8) - 1e8 is 0 in f32, and 1 + (1e8 - 1e8) is 1.
TEST_F(Hccl, SumsInTheOrderOfRanksUnlessVectorCoresAreAskedFor) {
  add(2);
  const auto sums = [&] {
    std::vector<float> got(3);
    EXPECT_EQ(on_ranks([&](Communicator& rank, Device& device) {
                constexpr float values[] = {1, 1e8f, -1e8f};
                const Tensor x = from_host(device, {&values[rank.rank()], 1}, {1});
                rank.all_reduce(x);
                got[static_cast<size_t>(rank.rank())] = floats_to_host(device, x)[0];
              }),
              std::vector<std::string>(devices_.size()));
    return got;
  };
  EXPECT_EQ(sums(), std::vector<float>(3, 0.0f));
  ::setenv("LECTERN_HCCL_AIV", "1", 1);
  EXPECT_EQ(sums(), std::vector<float>(3, 1.0f));
  ::unsetenv("LECTERN_HCCL_AIV");
}

TEST_F(Hccl, WaitsForARankThatComesLate) {
  EXPECT_EQ(on_ranks([](Communicator& rank, Device& device) {
              const float one = 1;
              const Tensor x = from_host(device, {&one, 1}, {1});
              if (rank.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(30));
              rank.all_reduce(x);
              EXPECT_EQ(floats_to_host(device, x)[0], 2);
            }),
            std::vector<std::string>(2));
}

TEST_F(Hccl, DoesNotWaitForEverForARankThatHangs) {
  const std::vector<std::string> thrown = on_ranks([](Communicator& rank, Device& device) {
    rank.barrier();
    fake_cann_set_patience(50);
    if (rank.rank() == 1) return;
    const float one = 1;
    const Tensor x = from_host(device, {&one, 1}, {1});
    rank.all_reduce(x);
    floats_to_host(device, x);
  });
  EXPECT_EQ(thrown[1], "");
  EXPECT_THAT(thrown[0], HasSubstr("507046 (waiting for the stream timed out)"));
}

// From another thread, while the card waits for the rank that will not come.
TEST_F(Hccl, EndsTheWaitOfARankThatIsAborted) {
  std::atomic<Communicator*> waiting = nullptr;
  const std::vector<std::string> thrown = on_ranks([&](Communicator& rank, Device& device) {
    const float one = 1;
    const Tensor x = from_host(device, {&one, 1}, {1});
    if (rank.rank() == 0) {
      rank.all_reduce(x);
      waiting = &rank;
      waiting.notify_all();
      floats_to_host(device, x);
    } else {
      waiting.wait(nullptr);
      waiting.load()->abort();
      rank.abort();
    }
  });
  EXPECT_THAT(thrown[0], HasSubstr("ascend:0: its work was ended, since another card of the model failed"));
  EXPECT_EQ(thrown[1], "");
}

TEST_F(Hccl, SaysWhyRanksDoNotJoin) {
  fake_cann_set_patience(50);
  fake_cann_fail_hccl("HcclCommInitRootInfoConfig", 1);
  int refused = 0, timed_out = 0;
  for (const std::string& text : on_ranks([](Communicator&, Device&) {})) {
    refused += text.find("HcclCommInitRootInfoConfig failed: 1 (parameter error)") != std::string::npos ? 1 : 0;
    timed_out += text.find("HcclCommInitRootInfoConfig failed: 9 (timeout)") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(timed_out, 1);
}

TEST_F(Hccl, RefusesWhatCannotWorkTogether) {
  const std::vector<Device*> all = devices();
  const std::vector<Device*> twice = {all[0], all[0]};
  EXPECT_THROW(ascend::hccl_ranks(twice), Error);
  ::setenv("LECTERN_HCCL_BUFFER", "none", 1);
  EXPECT_THROW(ascend::hccl_ranks(all).front()(), Error);
  ::unsetenv("LECTERN_HCCL_BUFFER");
  devices_.clear();
  add(0, [](std::string_view symbol) { return symbol != "HcclAllReduce"; });
  try {
    ascend::hccl_ranks(devices());
    FAIL() << "joined without HCCL";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_THAT(error.what(), HasSubstr("CANN has no HcclAllReduce"));
  }
}

// Before a weight is loaded.
TEST_F(Hccl, IsTriedBeforeAModelIsLoaded) {
  const auto files = std::make_shared<const ModelFiles>(testing::mini_folder);
  const auto load = [&](const std::vector<Device*>& on) -> std::string {
    int loaded = 0;
    try {
      const LoadedModel model(files, on, WeightFormat::bf16, [&](const auto&...) { ++loaded; });
    } catch (const Error& error) {
      EXPECT_EQ(loaded, 0) << error.what();
      return error.what();
    }
    return "loaded";
  };
  fake_cann_fail_hccl("HcclGetRootInfo", 4);
  EXPECT_THAT(load(devices()), HasSubstr("ascend:0: HcclGetRootInfo failed: 4"));
  EXPECT_THAT(load({devices()[0], devices()[0]}), HasSubstr("ascend:0: a card serves one rank"));
  EXPECT_EQ(load(devices()), "loaded");
  fake_cann_set_patience(50);
  fake_cann_fail_hccl("HcclCommInitRootInfoConfig", 1);
  EXPECT_THAT(load(devices()), HasSubstr("HcclCommInitRootInfoConfig failed: "));
  devices_.clear();
  for (int i = 0; i < 2; ++i) add(i, [](std::string_view symbol) { return symbol != "HcclBroadcast"; });
  EXPECT_THAT(load(devices()), HasSubstr("CANN has no HcclBroadcast"));
}

// The mini model on cards: heads, experts and words of a rank are the card's own kernels'.
class HcclModel : public Hccl {
 protected:
  HcclModel() : Hccl(0) {}
};

const Checkpoint& mini() {
  static const Checkpoint checkpoint = Checkpoint::open(testing::mini_folder);
  return checkpoint;
}

struct RunningModel {
  std::deque<RankModel> ranks;
  std::unique_ptr<ModelRunner> runner;
};

// Over the first cards.
RunningModel model_on(const std::vector<Device*>& devices, size_t count, const Checkpoint& checkpoint = mini()) {
  RunningModel model;
  for (size_t i = 0; i < count; ++i) {
    model.ranks.emplace_back(checkpoint, *devices[i], WeightFormat::bf16, static_cast<int>(i), static_cast<int>(count));
  }
  if (count == 1) {
    model.runner = std::make_unique<DeviceRunner>(*devices[0], model.ranks.front().decoder, nullptr, 128);
  } else {
    model.runner = std::make_unique<ParallelRunner>(model.ranks, 128);
  }
  return model;
}

WrittenText write(const Request& request, const RunningModel& model) {
  testing::EngineRun engine(*model.runner);
  WrittenText text;
  engine.add(request, text);
  engine.run();
  return text;
}

TEST_F(HcclModel, WritesAsOneCardDoes) {
  for (int i = 0; i < 4; ++i) add(i);
  Request request;
  for (int32_t i = 0; i < 20; ++i) request.prompt.push_back(3 + 7 * i);
  request.forced = {9, 8};
  request.no_repeat.n = 0;
  request.logits = true;
  const auto written = [&](size_t count) { return write(request, model_on(devices(), count)); };
  const WrittenText expected = written(1);
  ASSERT_EQ(expected.logits.size(), 2u);
  for (const size_t count : {2, 4}) {
    const WrittenText got = written(count);
    ASSERT_EQ(got.logits.size(), 2u) << got.error;
    for (size_t i = 0; i < 2; ++i)
      EXPECT_LT(testing::relative_error(got.logits[i], expected.logits[i]), testing::flipped_choice) << count;
  }
}

// Heads, experts, words and inner widths that no number of ranks divides; ranks without a head or an expert. What
// differs are roundings to bf16.
TEST_F(HcclModel, WritesAsOneCardDoesInOddSizes) {
  testing::DecoderSizes grouped, few;
  grouped.hidden = 96;
  grouped.heads = 6;
  grouped.kv_heads = 2;
  grouped.vocabulary = 97;
  few.hidden = 96;
  few.experts = 3;
  few.shared_inner = 0;
  for (const testing::DecoderSizes& sizes : {testing::DecoderSizes{}, grouped, few}) {
    SCOPED_TRACE(::testing::Message() << sizes.heads << " heads of " << sizes.hidden << " columns");
    const testing::OddDecoder odd(sizes);
    const Checkpoint checkpoint = odd.open();
    Request request = testing::text_request(2, sizes.vocabulary, 20, 0);
    request.forced = {9, 8, 7, 6, 5, 4};
    const auto written = [&](size_t count) {
      begin_anew(static_cast<int>(count));
      WrittenText text = write(request, model_on(devices(), count, checkpoint));
      EXPECT_EQ(text.error, "");
      return text;
    };
    const WrittenText expected = written(1);
    ASSERT_EQ(expected.logits.size(), 6u);
    for (const size_t count : {2, 5, 8})
      EXPECT_LT(testing::difference(written(count), expected).logits, testing::flipped_choice) << count;
  }
}

// The views of a page, over the encoders of two cards.
TEST_F(HcclModel, EncodesAsOneCardDoes) {
  struct Case {
    const char* model;
    int whole, tile;
  };
  for (const Case& c : {Case{"mini", 192, 128}, Case{"deepseek-ocr-2/mini", 1024, 768}}) {
    SCOPED_TRACE(c.model);
    begin_anew(2);
    const auto files = std::make_shared<const ModelFiles>(TEST_DATA "/goldens/" + std::string(c.model));
    testing::Random random(1);
    const auto picture = [&](int size) {
      Picture noise(size, size);
      for (uint8_t& level : noise.rgb) level = static_cast<uint8_t>(random.bits());
      return noise;
    };
    const auto views = std::make_shared<Views>();
    views->whole = picture(c.whole);
    views->columns = 2;
    views->rows = 1;
    for (int i = 0; i < 2; ++i) views->tiles.push_back(picture(c.tile));
    const std::vector<Device*> all = devices();
    const auto rows = [&](const std::vector<Device*>& on) {
      const LoadedModel model(files, on, WeightFormat::bf16);
      const std::unique_ptr<ModelRunner> runner = make_runner(model, 128);
      const std::unique_ptr<Encoding> encoding = runner->encode(views);
      while (!encoding->advance(true)) {
      }
      return floats_to_host(*on.front(), encoding->rows());
    };
    EXPECT_EQ(testing::different_bits(rows(all), rows({all.front()})), 0);
  }
}

// What lies between two sums of a step is captured and replayed, by each card for itself; with the same tokens, also
// where a card captures nothing, or fails to.
TEST_F(HcclModel, ReplaysWhatLiesBetweenSums) {
  const auto layers = static_cast<uint64_t>(mini().config().decoder.layers);
  Request request;
  for (int32_t i = 0; i < 20; ++i) request.prompt.push_back(3 + 7 * i);
  request.max_tokens = 10;
  request.no_repeat.n = 0;
  request.logits = true;
  const auto written = [&] {
    WrittenText text = write(request, model_on(devices(), 2));
    EXPECT_EQ(text.error, "");
    return text;
  };
  begin_anew(2, false);
  const WrittenText expected = written();
  ASSERT_EQ(expected.tokens.size(), 10u);
  EXPECT_EQ(fake_cann_costs().graph_launches, 0u);
  begin_anew(2);
  EXPECT_EQ(written().tokens, expected.tokens);
  for (const int card : {0, 1}) {  // of 9 steps all but the first ones
    EXPECT_GE(fake_cann_calls(card, FAKE_CANN_REPLAY), 5 * (2 * layers - 1));
    EXPECT_EQ(fake_cann_calls(card, FAKE_CANN_REPLAY) % (2 * layers - 1), 0u);
  }
  for (const FakeCannCall call : {FAKE_CANN_CAPTURE, FAKE_CANN_CAPTURE_END, FAKE_CANN_REPLAY}) {
    begin_anew(2);
    for (uint64_t nth = 2; nth <= 6; ++nth) fake_cann_fail(1, call, nth, 0);
    const WrittenText got = written();
    EXPECT_EQ(got.tokens, expected.tokens) << fake_cann_call_name(call);
    EXPECT_EQ(testing::different_bits(got.log_probabilities, expected.log_probabilities), 0);
    EXPECT_TRUE(ascend::session_of(*devices()[0]).captures());
    EXPECT_FALSE(ascend::session_of(*devices()[1]).captures());
  }
  begin_anew(2);
  fake_cann_old_driver(1);
  EXPECT_EQ(written().tokens, expected.tokens);
}

// One step of a prompt, -> its token.
int32_t step_of(ModelRunner& runner, int32_t rows) {
  static const std::vector<int32_t> pages = {0};
  std::vector<int32_t> ids(static_cast<size_t>(rows));
  std::iota(ids.begin(), ids.end(), 5);
  Batch batch;
  batch.entries.push_back({.ids = ids, .position = 0, .prompt = rows, .pages = pages, .chooses = true});
  return runner.step(batch)[0].id;
}

// Wherever in a step a card finds no memory, the step ends with that, no card waits for it, and the next one is as if
// nothing had been.
TEST_F(HcclModel, GoesOnAfterAStepWithoutMemory) {
  begin_anew(2);
  const int32_t expected = step_of(*model_on(devices(), 2).runner, 60);
  for (const int lacking : {0, 1}) {
    int failed = 0;
    for (uint64_t nth = 1;; nth += 3) {
      SCOPED_TRACE(::testing::Message() << "card " << lacking << ", allocation " << nth);
      begin_anew(2);
      const RunningModel model = model_on(devices(), 2);
      step_of(*model.runner, 3);
      for (uint64_t i = 0; i < 3; ++i) fake_cann_fail(lacking, FAKE_CANN_MALLOC, nth + i, 0);  // it is asked for again
      bool throws = false;
      for (int i = 0; i < 4; ++i) {
        try {
          EXPECT_EQ(step_of(*model.runner, 60), expected);
          break;
        } catch (const Error& error) {
          throws = true;
          EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
          EXPECT_THAT(error.what(), HasSubstr("ascend:" + std::to_string(lacking) + ": no memory for"));
        }
      }
      EXPECT_EQ(step_of(*model.runner, 60), expected);
      if (!throws) break;
      ++failed;
    }
    EXPECT_GT(failed, 2);
  }
}

// Calls that fail at once and work that fails on the card: no rank waits for the one that failed, whichever it is, and
// the step says why. The cards are not used any further.
TEST_F(HcclModel, EndsTheStepOfAllWhenOneRankFails) {
  for (const int failing : {0, 1}) {
    for (const FakeCannCall call : {FAKE_CANN_PREPARE, FAKE_CANN_LAUNCH, FAKE_CANN_EXECUTE}) {
      SCOPED_TRACE(::testing::Message() << "card " << failing << ", call " << call);
      begin_anew(2);
      const RunningModel model = model_on(devices(), 2);
      EXPECT_GE(step_of(*model.runner, 3), 0);
      fake_cann_fail(failing, call, 1, 0);
      try {
        step_of(*model.runner, 60);
        ADD_FAILURE() << "the step went on";
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("ascend:" + std::to_string(failing)));
        EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("another card")));
      }
      EXPECT_THROW(step_of(*model.runner, 3), DeviceFailure);
    }
  }
}

// Nor for ever where one neither fails nor goes on: those that wait for it end the step, its own work too.
TEST_F(HcclModel, EndsTheStepOfAllWhenOneCardHangs) {
  for (const int hanging : {0, 1}) {
    SCOPED_TRACE(hanging);
    begin_anew(2);
    const RunningModel model = model_on(devices(), 2);
    EXPECT_GE(step_of(*model.runner, 3), 0);
    fake_cann_set_patience(100);
    fake_cann_hang(hanging);
    try {
      step_of(*model.runner, 60);
      ADD_FAILURE() << "the step went on";
    } catch (const DeviceFailure& failure) {
      EXPECT_THAT(failure.what(),
                  HasSubstr("ascend:" + std::to_string(1 - hanging) + ": work on the card failed: 507046"));
    }
    EXPECT_THROW(step_of(*model.runner, 3), DeviceFailure);
  }
}

// Nor do the others wait where HCCL itself refuses.
TEST_F(HcclModel, EndsTheStepOfAllWhenHcclFails) {
  for (const char* function : {"HcclBroadcast", "HcclAllReduce"}) {
    begin_anew(2);
    const RunningModel model = model_on(devices(), 2);
    EXPECT_GE(step_of(*model.runner, 3), 0);
    fake_cann_fail_hccl(function, 4);
    try {
      step_of(*model.runner, 60);
      ADD_FAILURE() << "the step went on";
    } catch (const DeviceFailure& failure) {
      EXPECT_THAT(failure.what(), HasSubstr(std::string(function) + " failed: 4"));
    }
    EXPECT_THROW(step_of(*model.runner, 3), DeviceFailure);
  }
}

}  // namespace
}  // namespace lectern
