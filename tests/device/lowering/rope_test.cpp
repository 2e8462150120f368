#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::relative_error;
using testing::rounding;
using testing::TypedValues;

TEST(LoweredRope, EqualsTheCpus) {
  Random random(1);
  for (int round = 0; round < 30; ++round) {
    const int heads = static_cast<int>(random.between(1, 4));
    const Shape shape = {random.between(3, 40), heads * 2 * random.between(1, 33)};
    const int64_t first = random.between(1, shape[0] - 2);
    const std::vector<SequenceRows> sequences = {{first, shape[0] - 1 - first, random.between(0, 5000), {}},
                                                 {0, first, random.between(0, 10), {}}};  // the last row is of neither
    const StepBatch step(cpu_device(), sequences);
    const DataType type = any_type(random);
    const TypedValues x(random, type, shape, 2);
    const Tensor expected(cpu_device(), DataType::f32, shape);
    cpu_device().copy({x.tensor, expected});
    cpu_device().rope({expected, heads, 1e4f, step});
    for_each_replacement(Operator::rope, [&](Device& device) {
      const Tensor out(cpu_device(), type, shape);
      cpu_device().copy({x.tensor, out});
      device.rope({out, heads, 1e4f, step});
      EXPECT_LT(relative_error(floats_of(out), floats_of(expected)), rounding(type)) << to_string(shape);
    });
  }
}

}  // namespace
}  // namespace lectern
