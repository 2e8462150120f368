#include <gtest/gtest.h>

#include <cmath>

#include "support/choose.h"
#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using testing::choose_largest;
using testing::FakeCard;
using testing::Random;

// Only ids and log-probabilities leave the card.
TEST(AscendArgmax, IsTheCpus) {
  FakeCard card;
  Random random(3);
  for (const auto& [rows, width] : {std::pair<int64_t, int64_t>{1, 50}, {3, 700}, {5, 1}}) {
    const std::vector<float> logits = random.values(rows * width, 8);
    const Tensor on_card = card.put(logits, {rows, width});
    const Tensor on_cpu = from_host(cpu_device(), logits, {rows, width});
    for (const bool bans : {false, true}) {
      std::vector<std::vector<int32_t>> banned(static_cast<size_t>(rows));
      for (auto& of_row : banned) {
        if (bans) of_row = choose_largest(cpu_device(), on_cpu).ids;
      }
      const Chosen expected = choose_largest(cpu_device(), on_cpu, banned);
      const Chosen chosen = choose_largest(card.device(), on_card, banned);
      EXPECT_EQ(chosen.ids, expected.ids);
      for (size_t i = 0; i < expected.ids.size(); ++i)
        EXPECT_NEAR(chosen.log_probabilities[i], expected.log_probabilities[i], 1e-5);
    }
  }
  EXPECT_EQ(card.device().operators().lowering(Operator::argmax, DataType::f32), nullptr);
}

TEST(AscendArgmax, RowsWithoutANumberHaveNoChoice) {
  FakeCard card;
  const float nan = std::nanf("");
  const Tensor logits = card.put({1, 2, nan, 4, 5, 6}, {2, 3});
  EXPECT_EQ(choose_largest(card.device(), logits).ids, (std::vector<int32_t>{-1, 2}));
}

}  // namespace
}  // namespace lectern::ascend
