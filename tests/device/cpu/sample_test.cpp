#include <gtest/gtest.h>

#include "device/choice.h"
#include "device/cpu/cpu_device.h"
#include "device/step_batch.h"
#include "support/bits.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::Random;
using testing::view_of;

constexpr int64_t rows = 9, width = 70, vocabulary = 300;

struct Sampled {
  Sampled(Device& device, const std::vector<float>& x, const std::vector<float>& norm, const Weight& head,
          const std::vector<int64_t>& wanted, const std::vector<std::vector<int32_t>>& banned)
      : logits(wanted.size() * vocabulary) {
    const std::array<SequenceRows, 1> sequences = {{{0, rows, 0, {}}}};
    const StepBatch step(device, sequences, 0, {.logit_rows = wanted, .banned = banned, .vocabulary = vocabulary});
    const auto count = static_cast<int64_t>(wanted.size());
    const Choice choice(device, count, vocabulary, step.banned_on_host());
    device.sample({.x = view_of(x, {rows, width}),
                   .norm = view_of(norm, {width}),
                   .head = head,
                   .step = step,
                   .logits = view_of(logits, {count, vocabulary}),
                   .ids = choice.ids(),
                   .log_probabilities = choice.log_probabilities()});
    chosen = choice.read();
  }
  std::vector<float> logits;
  Chosen chosen;
};

// Bit for bit what it is made of elsewhere.
TEST(Sample, IsItsParts) {
  Random random(1);
  const auto parts = make_cpu_device(parse_operators("sample"));
  ASSERT_NE(parts->operators().lowering(Operator::sample, DataType::f32), nullptr);
  const std::vector<float> x = random.values(rows * width);
  const std::vector<float> norm = random.values(width);
  const std::vector<float> values = random.values(vocabulary * width);
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const Weight head = cpu_device().make_weight(view_of(values, {vocabulary, width}), format);
    for (const std::vector<int64_t>& wanted :
         {std::vector<int64_t>{}, {8}, {0, 3, 4}, {5, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8}}) {
      testing::for_each_target([&] {
        const Sampled free(cpu_device(), x, norm, head, wanted, {});
        std::vector<std::vector<int32_t>> banned;
        for (const int32_t id : free.chosen.ids) banned.push_back({id, 17});
        const Sampled own(cpu_device(), x, norm, head, wanted, banned);
        const Sampled expected(*parts, x, norm, head, wanted, banned);
        EXPECT_EQ(testing::different_bits(own.logits, expected.logits), 0);
        EXPECT_EQ(testing::different_bits(own.logits, free.logits), 0) << "bans change the choice alone";
        EXPECT_EQ(own.chosen.ids, expected.chosen.ids);
        EXPECT_EQ(testing::different_bits(own.chosen.log_probabilities, expected.chosen.log_probabilities), 0);
        for (size_t i = 0; i < wanted.size(); ++i) {
          EXPECT_NE(own.chosen.ids[i], free.chosen.ids[i]);
          EXPECT_LE(own.chosen.log_probabilities[i], free.chosen.log_probabilities[i]);
        }
      });
    }
  }
}

}  // namespace
}  // namespace lectern
