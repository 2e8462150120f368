#include <cmath>
#include <limits>

#include "support/choose.h"
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::choose_largest;
using testing::for_each_replacement;
using testing::Random;

TEST(LoweredSampling, Argmax) {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    const int64_t rows = random.between(1, 5);
    const int64_t width = random.between(1, 200);
    std::vector<float> logits = random.values(rows * width, 10);
    for (float& x : logits) x = std::round(x);  // many are equal
    if (random.coin()) logits[0] = std::nanf("");
    if (random.between(0, 4) == 0) logits.back() = std::numeric_limits<float>::infinity();
    std::vector<std::vector<int32_t>> banned(static_cast<size_t>(rows));
    for (auto& of_row : banned) {
      for (int64_t i = random.between(0, 20); i > 0; --i)
        of_row.push_back(static_cast<int32_t>(random.between(0, width - 1)));
    }
    const Tensor on_device = from_host(cpu_device(), logits, {rows, width});
    const Chosen expected = choose_largest(cpu_device(), on_device, banned);
    for_each_replacement(Operator::argmax, [&](Device& device) {
      const Chosen chosen = choose_largest(device, on_device, banned);
      EXPECT_EQ(chosen.ids, expected.ids);
      for (size_t i = 0; i < expected.ids.size(); ++i)
        EXPECT_NEAR(chosen.log_probabilities[i], expected.log_probabilities[i], 1e-5);
    });
  }
}

}  // namespace
}  // namespace lectern
