#include "device/ascend/ascend_device.h"

#include <gmock/gmock.h>

#include <array>
#include <numeric>

#include "device/cpu/cpu_device.h"
#include "diagnose/operator_check.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "support/fake_card.h"
#include "support/mini_model.h"

namespace lectern::ascend {
namespace {

using ::testing::AllOf;
using testing::FakeCann;
using testing::FakeCard;
using ::testing::HasSubstr;
using testing::mini_folder;
using testing::view_of;

template <typename Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool is_native(const Device& device, Operator which, DataType type) {
  return !device.operators().is_absent(which, type) && device.operators().lowering(which, type) == nullptr;
}

TEST(AscendDevice, HasEveryOperatorOfTheModel) {
  for (const DataType type : {DataType::f16, DataType::bf16}) {
    FakeCard card(type);
    for (const Operator which : all_operators()) {
      constexpr std::array parts = {Operator::rope, Operator::write_kv, Operator::experts, Operator::multiply};
      const auto is_of = [&](const auto& list) { return std::ranges::find(list, which) != list.end(); };
      if (!is_called_by_model(which) && !is_of(parts)) continue;
      EXPECT_TRUE(is_native(card.device(), which, has_compute_types(which) ? type : DataType::f32)) << name_of(which);
    }
    EXPECT_NO_THROW(card.device().require_model_operators(WeightFormat::bf16));
    EXPECT_NO_THROW(card.device().require_model_operators(WeightFormat::f32));
    EXPECT_THAT(card.device().lowered(WeightFormat::bf16), ::testing::IsEmpty());
  }
}

TEST(AscendDevice, TakesBf16WhereTheChipHasIt) {
  EXPECT_EQ(FakeCard().half(), DataType::bf16);
  EXPECT_EQ(FakeCard(std::nullopt, [] { fake_cann_set_soc("Ascend310P3"); }).half(), DataType::f16);
  const FakeCann fake;
  fake_cann_set_soc("Ascend310P3");
  EXPECT_THAT(error_of([] { make_ascend_device(testing::fake_options(DataType::bf16)); }),
              AllOf(HasSubstr("Ascend310P3 has no bf16"), HasSubstr("LECTERN_ASCEND_TYPE")));
}

TEST(AscendDevice, CopiesEveryTypeFromAnyAddress) {
  FakeCard card;
  Device& device = card.device();
  std::vector<int32_t> numbers(100);
  std::iota(numbers.begin(), numbers.end(), (1 << 24) - 50);
  const Tensor on_card = from_host(device, numbers);
  EXPECT_EQ(indices_to_host(device, on_card), numbers);
  EXPECT_EQ(indices_to_host(device, on_card.view().slice(3, 20)),
            std::vector<int32_t>(numbers.begin() + 3, numbers.begin() + 23));
  HostBuffer buffer(device, 80);
  device.download_later(on_card.view().slice(3, 20), buffer.data());
  device.record()->wait();
  EXPECT_TRUE(std::equal(numbers.begin() + 3, numbers.begin() + 23, buffer.as<int32_t>().begin()));
}

TEST(AscendDevice, SaysWhatItIs) {
  FakeCard card;
  const DeviceInfo info = card.device().info();
  EXPECT_EQ(info.name, "ascend:0");
  EXPECT_EQ(info.kind, "ascend");
  EXPECT_EQ(info.hardware, "Ascend910B2");
  EXPECT_EQ(info.default_weights, WeightFormat::bf16);
  EXPECT_GT(card.device().memory().total, 0u);
}

TEST(AscendDevice, RefusesQuantizedWeights) {
  FakeCard card;
  const std::vector<float> values(32 * 32);
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    EXPECT_THAT(error_of([&] {
                  card.device().make_weight(view_of(values, {32, 32}), format);
                }),
                AllOf(HasSubstr("ascend:0"), HasSubstr("`weights` bf16")));
  }
}

TEST(AscendDevice, KeepsWeightsExactly) {
  FakeCard card(DataType::f16);
  testing::Random random(1);
  // More than a piece of memory holds.
  std::vector<std::vector<float>> values;
  std::vector<Weight> matrices;
  for (int i = 0; i < 40; ++i) {
    values.push_back(testing::rounded(random.values(1 << 19), DataType::f16));
    matrices.push_back(card.device().make_weight(view_of(values.back(), {512, 1024}), WeightFormat::bf16));
  }
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(card.get(matrices[i].data), values[i]);
}

// Pieces that small weights share grow with the model.
TEST(AscendDevice, TakesLittleMoreMemoryThanItsWeightsNeed) {
  constexpr size_t mib = size_t{1} << 20;
  for (const int count : {1, 9, 200}) {  // of half a MiB
    FakeCard card;
    const std::vector<float> values(size_t{512} * 512);
    const size_t before = card.device().memory().free;
    std::vector<Weight> weights;
    for (int i = 0; i < count; ++i)
      weights.push_back(card.device().make_weight(view_of(values, {512, 512}), WeightFormat::bf16));
    const size_t taken = before - card.device().memory().free;
    const size_t needed = static_cast<size_t>(count) * mib / 2;
    EXPECT_GE(taken, needed);
    EXPECT_LE(taken, needed + needed / 3 + 2 * mib) << count << " weights";
  }
}

TEST(AscendDevice, StacksWeightsInOneBlock) {
  FakeCard card(DataType::f16);
  testing::Random random(2);
  for (const int64_t columns : {64, 33}) {  // of which a part of the second would begin at an odd address
    const std::array<int64_t, 3> outs = {5, 7, 2};
    std::vector<std::vector<float>> values;
    values.reserve(outs.size());
    for (const int64_t out : outs) values.push_back(testing::rounded(random.values(out * columns), DataType::f16));
    for (const bool reserved : {false, true}) {
      std::vector<Weight> parts;
      if (reserved) card.device().reserve(14 * columns, WeightFormat::bf16);
      for (size_t i = 0; i < outs.size(); ++i) {
        parts.push_back(card.device().make_weight(view_of(values[i], {outs[i], columns}), WeightFormat::bf16));
        if (!reserved) card.device().make_weight(view_of(values[0], {1, columns}), WeightFormat::bf16);
      }
      const std::byte* const first = parts[0].data.data;
      const WeightStack stack = card.device().stack(std::move(parts));
      ASSERT_EQ(static_cast<bool>(stack.together), columns == 64);
      for (size_t i = 0; i < outs.size(); ++i) EXPECT_EQ(card.get(stack[i].data), values[i]);
      if (!stack.together) continue;
      EXPECT_EQ(stack.together.data == first, reserved) << "nothing is moved where there was room";
      EXPECT_EQ(stack.together.shape, Shape({14, columns}));
      EXPECT_EQ(stack[2].data.data, stack.together.slice(12, 2).data);
    }
  }
}

// Symbols of CANN that are not there, and kernels that are not installed, are replaced or stood in for.
TEST(AscendDevice, ReplacesWhatCannLacks) {
  struct Case {
    const char* absent;
    const char* refused;
    Operator replaced;
  };
  for (const Case& c :
       {Case{"aclnnIm2col", nullptr, Operator::conv2d}, Case{nullptr, "aclnnIm2col", Operator::conv2d},
        Case{"aclnnMoeInitRoutingV2", nullptr, Operator::experts},
        Case{"aclnnGroupedMatmulV5", "aclnnGroupedMatmulV4", Operator::experts},
        Case{nullptr, "aclnnFusedInferAttentionScoreV2", Operator::paged_attention},
        Case{"aclnnLogSoftmax", nullptr, Operator::argmax}, Case{nullptr, "aclnnArgMax", Operator::argmax},
        Case{"aclnnRotaryPositionEmbedding", "aclnnApplyRotaryPosEmb", Operator::rope}}) {
    FakeCard card(std::nullopt, [&] {
      fake_cann_set_version("8.5.0");  // whose rotation takes the heads of the trial
      if (c.absent != nullptr) fake_cann_absent(c.absent);
      if (c.refused != nullptr) fake_cann_refuse(c.refused, 561003);
    });
    const DataType type = has_compute_types(c.replaced) ? card.half() : DataType::f32;
    EXPECT_NE(card.device().operators().lowering(c.replaced, type), nullptr) << name_of(c.replaced);
    EXPECT_TRUE(is_native(card.device(), Operator::linear, card.half()));
  }
}

TEST(AscendDevice, TriesTheOtherFunctionBeforeItReplaces) {
  FakeCard card(std::nullopt, [] {
    fake_cann_set_version("8.5.0");
    fake_cann_refuse("aclnnGroupedMatmulV5", 561003);
    fake_cann_refuse("aclnnPromptFlashAttentionV3", 561003);
    fake_cann_refuse("aclnnFastGelu", 561003);
    fake_cann_refuse("aclnnSwiGlu", 561003);
    fake_cann_refuse("aclnnAddmm", 561003);
  });
  for (const Operator which : {Operator::linear, Operator::attention, Operator::experts})
    EXPECT_TRUE(is_native(card.device(), which, card.half())) << name_of(which);
  EXPECT_GT(fake_cann_runs("aclnnGroupedMatmulV4"), 0u);
}

// What `lectern doctor` checks; the operators that no model needs there are absent.
TEST(AscendDevice, ComputesWhatTheCpuComputes) {
  for (const DataType half : {DataType::f16, DataType::bf16}) {
    FakeCard card(half);
    for (const DataType type : {DataType::f32, half}) {
      const uint64_t attentions = fake_cann_runs("aclnnFusedInferAttentionScoreV2");
      for (const OperatorCheck& check : check_operators(card.device(), type, cpu_device())) {
        EXPECT_TRUE(check.passed() || check.how == "absent")
            << check.name << " in " << name_of(check.type) << ": " << check.error << " " << check.failure;
      }
      EXPECT_EQ(fake_cann_runs("aclnnFusedInferAttentionScoreV2") > attentions, type == half);
    }
  }
}

// A picture of noise and a prompt through mini on the fake: the tokens of a short run.
std::vector<int32_t> run_mini(Device& device, int64_t max_tokens = 3, const std::function<void()>& on_step = {}) {
  std::vector<int32_t> tokens;
  const LoadedModel model(mini_folder, device, WeightFormat::bf16);
  testing::Random random(7);
  Views views;
  views.whole = Picture(64, 64);
  for (uint8_t& level : views.whole.rgb) level = static_cast<uint8_t>(random.bits());
  const EncodedPage page = model.encoder.encode(views);
  Request request;
  const std::vector<int32_t> prompt = {model.image_token, 5, 6};
  request.prompt = model.expand_prompt(prompt, page.sequence.shape()[0]);
  request.image_token = model.image_token;
  request.image = page.sequence;
  request.max_tokens = max_tokens;
  DeviceRunner runner(model.device, model.decoder, nullptr, model.decoder.config().context);
  Engine engine(runner);
  engine.add(std::move(request));
  for (bool more = true; more;) {
    more = engine.step();
    for (const RequestEvent& event : engine.take_events()) {
      for (const Token& token : event.tokens) tokens.push_back(token.id);
      if (on_step && event.kind == RequestEvent::Kind::written) on_step();
    }
  }
  return tokens;
}

TEST(AscendDevice, ReadsTwiceTheSame) {
  FakeCard card;
  const std::vector<int32_t> tokens = run_mini(card.device());
  EXPECT_EQ(tokens.size(), 3u);
  EXPECT_EQ(run_mini(card.device()), tokens);
}

// A step of a decoder gives its operators the same places as the step before: only attention, which is told the lengths
// of its sequences, is prepared again. What is between two attentions is one call, where it is captured.
TEST(AscendDevice, PreparesTheCallsOfADecodersStepsOnce) {
  constexpr uint64_t layers = 4;
  for (const DataType type : {DataType::f16, DataType::bf16}) {
    std::vector<int32_t> expected;
    for (const bool graphs : {false, true}) {
      std::vector<uint64_t> prepared, launched, replayed;
      const auto note = [&] {
        prepared.push_back(fake_cann_calls(0, FAKE_CANN_PREPARE));
        launched.push_back(fake_cann_calls(0, FAKE_CANN_LAUNCH));
        replayed.push_back(fake_cann_calls(0, FAKE_CANN_REPLAY));
      };
      ascend::AscendOptions options = testing::fake_options(type);
      options.session.graphs = graphs;
      const std::vector<int32_t> tokens = run_mini(FakeCard(options).device(), 8, note);
      ASSERT_EQ(prepared.size(), 8u);
      if (expected.empty()) expected = tokens;
      EXPECT_EQ(tokens, expected);
      for (size_t i = 4; i < 8; ++i) {
        const uint64_t calls = launched[i] - launched[i - 1];
        EXPECT_EQ(prepared[i] - prepared[i - 1], layers) << "step " << i;
        EXPECT_EQ(calls, launched[4] - launched[3]) << "step " << i;
        EXPECT_EQ(replayed[i] - replayed[i - 1], graphs ? layers : 0) << "step " << i;
        EXPECT_EQ(calls > 12 * layers, !graphs);
      }
    }
    ascend::AscendOptions options = testing::fake_options(type);
    options.session.library.offered = [](std::string_view symbol) { return symbol != "aclSetAclOpExecutorRepeatable"; };
    FakeCard plain(options);
    EXPECT_EQ(run_mini(plain.device(), 8), expected);
    EXPECT_EQ(plain.card().session().repeats(), 0u);
  }
}

TEST(AscendDevice, SaysWhetherWorkIsCaptured) {
  EXPECT_EQ(FakeCard().device().info().graphs, "replayed");
  FakeCard old(std::nullopt, [] { fake_cann_old_driver(1); });
  EXPECT_THAT(old.device().info().graphs, HasSubstr("off: aclmdlRICaptureBegin failed: 207000"));
  EXPECT_EQ(old.device().capture_regions(WeightFormat::bf16), nullptr);
}

TEST(AscendDevice, CapturesWhatIsItsOwnAlone) {
  {
    FakeCard card;
    EXPECT_NE(card.device().capture_regions(WeightFormat::bf16), nullptr);
    EXPECT_EQ(card.device().capture_regions(WeightFormat::f32), nullptr);
  }
  FakeCard lacking(std::nullopt, [] { fake_cann_refuse("aclnnFusedInferAttentionScoreV2", 561003); });
  EXPECT_EQ(lacking.device().capture_regions(WeightFormat::bf16), nullptr);
}

// Failures of captures and replays change no token.
TEST(AscendDevice, ReadsTheSameWhateverFailsInACapture) {
  const std::vector<int32_t> expected = run_mini(FakeCard(DataType::bf16).device(), 5);
  for (const FakeCannCall call : {FAKE_CANN_CAPTURE, FAKE_CANN_CAPTURE_END, FAKE_CANN_REPLAY}) {
    FakeCard card(DataType::bf16);
    for (uint64_t nth = 2; nth <= 30; ++nth) fake_cann_fail(0, call, nth, 0);
    EXPECT_EQ(run_mini(card.device(), 5), expected) << fake_cann_call_name(call);
    EXPECT_FALSE(card.card().session().captures());
  }
}

// Every allocation, launch, copy and wait of a run fails once, each in a run of its own: the run says so, or goes on
// and is right; nothing is left on the card, and no rule of CANN is broken.
class AscendFailure : public ::testing::TestWithParam<FakeCannCall> {};

TEST_P(AscendFailure, EndsInAnErrorAndLeavesNothing) {
  bool replaced = false;  // a refusal while the operators are tried
  const auto run = [&] {
    const auto device = make_ascend_device(testing::fake_options(DataType::f16));
    replaced = !device->lowered(WeightFormat::bf16).empty();
    return run_mini(*device);
  };
  fake_cann_reset();
  const std::vector<int32_t> expected = run();
  const uint64_t calls = fake_cann_calls(FAKE_CANN_ANY_DEVICE, GetParam());
  ASSERT_GT(calls, 0u);
  // The first ones one by one, then in steps; LECTERN_EVERY_FAILURE takes no steps.
  const uint64_t steps = std::getenv("LECTERN_EVERY_FAILURE") != nullptr ? calls : 12;
  uint64_t step = 1;
  int failed = 0;
  for (uint64_t nth = 1; nth <= calls; nth += step) {
    if (nth > 12) step = std::max<uint64_t>(1, calls / steps);
    const FakeCann fake;
    fake_cann_fail(FAKE_CANN_ANY_DEVICE, GetParam(), nth, 0);
    std::vector<int32_t> tokens;
    const std::string error = error_of([&] { tokens = run(); });
    if (error == "no error" && replaced) {
      EXPECT_EQ(tokens.size(), expected.size()) << "call " << nth;
    } else if (error == "no error") {
      EXPECT_EQ(tokens, expected) << "call " << nth;
    } else {
      ++failed;
      EXPECT_THAT(error, HasSubstr("ascend")) << "call " << nth;
      EXPECT_THAT(error, ::testing::Not(HasSubstr("\n"))) << "call " << nth;
    }
  }
  // What cannot be repeated is done in full.
  EXPECT_EQ(failed > 0, GetParam() != FAKE_CANN_REPEAT);
}

INSTANTIATE_TEST_SUITE_P(Calls, AscendFailure,
                         ::testing::Values(FAKE_CANN_INIT, FAKE_CANN_SET_DEVICE, FAKE_CANN_CREATE_STREAM,
                                           FAKE_CANN_CREATE_EVENT, FAKE_CANN_EVENT, FAKE_CANN_MALLOC,
                                           FAKE_CANN_MALLOC_HOST, FAKE_CANN_COPY, FAKE_CANN_OBJECT, FAKE_CANN_PREPARE,
                                           FAKE_CANN_REPEAT, FAKE_CANN_LAUNCH, FAKE_CANN_SYNCHRONIZE,
                                           FAKE_CANN_EXECUTE),
                         [](const auto& info) {
                           std::string name = fake_cann_call_name(info.param);
                           std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
                           return name;
                         });

}  // namespace
}  // namespace lectern::ascend
