// Norms and softmax from their parts against the CPU's own.
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::relative_error;
using testing::rounding;
using testing::view_of;

void check_norm(Random& random, bool layer) {
  const Shape shape = {random.between(1, 3), random.between(1, 9), random.between(1, 80)};
  std::vector<float> in = random.values(shape.elements(), 3);
  const std::vector<float> weight = random.values(shape[2]);
  const std::vector<float> bias = random.values(layer ? shape[2] : 0);
  const auto apply = [&](Device& device, const MutableTensorView& out) {
    const NormArgs args{view_of(in, shape), view_of(weight, {shape[2]}), view_of(bias, {shape[2]}), 1e-5f, out};
    layer ? device.layer_norm(args) : device.rms_norm(args);
  };
  std::vector<float> expected(in.size());
  apply(cpu_device(), view_of(expected, shape));
  const DataType type = any_type(random);
  for_each_replacement(layer ? Operator::layer_norm : Operator::rms_norm, [&](Device& device) {
    const Tensor out(cpu_device(), type, shape);
    apply(device, out);
    EXPECT_LT(relative_error(floats_of(out), expected), rounding(type)) << to_string(shape);
    if (type != DataType::f32) return;
    const std::vector<float> before = in;
    apply(device, view_of(in, shape));  // in place
    EXPECT_LT(relative_error(in, expected), rounding(type)) << to_string(shape);
    in = before;
  });
}

TEST(LoweredNorms, Layer) {
  Random random(1);
  for (int round = 0; round < 40; ++round) check_norm(random, true);
}

TEST(LoweredNorms, Rms) {
  Random random(2);
  for (int round = 0; round < 40; ++round) check_norm(random, false);
}

TEST(LoweredNorms, Softmax) {
  Random random(3);
  for (int round = 0; round < 40; ++round) {
    const Shape shape = {random.between(1, 4), random.between(1, 5), random.between(1, 70)};
    const std::vector<float> in = random.values(shape.elements(), 30);
    std::vector<double> expected;
    for (int64_t row = 0; row < shape.rows(); ++row) {
      std::vector<double> scores(in.begin() + row * shape[2], in.begin() + (row + 1) * shape[2]);
      testing::softmax(scores);
      expected.insert(expected.end(), scores.begin(), scores.end());
    }
    const auto compare = [&](Device& device) {
      std::vector<float> out = in;
      device.softmax({view_of(out, shape), view_of(out, shape)});
      EXPECT_LT(relative_error(out, expected), 1e-5) << to_string(shape);
    };
    compare(cpu_device());
    for_each_replacement(Operator::softmax, compare);
  }
}

}  // namespace
}  // namespace lectern
