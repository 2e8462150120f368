// An encoder's attention from its parts against the CPU's own.
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
using testing::view_of;

struct Case {
  int64_t batch, height, width;
  int heads;
  int64_t size;
  int window;
  bool relative;
  int kv_heads = 0;
  bool causal = false;
  int64_t prefix = 0;
};

void check(const Case& c, DataType type, Random& random) {
  const int64_t rows = c.window > 0 ? c.window : c.height;
  const int64_t columns = c.window > 0 ? c.window : c.width;
  const int64_t channels = c.heads * c.size;
  const int64_t place = channels + 2 * (c.kv_heads > 0 ? c.kv_heads : c.heads) * c.size;
  const TypedValues qkv(random, type, {c.batch, c.height, c.width, place});
  const std::vector<float> padding = random.values(c.window > 0 ? place : 0);
  const std::vector<float> down = random.values(c.relative ? (2 * rows - 1) * c.size : 0);
  const std::vector<float> across = random.values(c.relative ? (2 * columns - 1) * c.size : 0);
  const Shape shape = {c.batch, c.height, c.width, channels};
  const auto apply = [&](Device& device, const TensorView& in, const MutableTensorView& out) {
    device.attention({.qkv = in,
                      .heads = c.heads,
                      .scale = 1.0f / std::sqrt(static_cast<float>(c.size)),
                      .window = c.window,
                      .padding = view_of(padding, {place}),
                      .relative_height = view_of(down, {2 * rows - 1, c.size}),
                      .relative_width = view_of(across, {2 * columns - 1, c.size}),
                      .out = out,
                      .kv_heads = c.kv_heads,
                      .causal = c.causal,
                      .prefix = c.prefix});
  };
  std::vector<float> expected(static_cast<size_t>(shape.elements()));
  apply(cpu_device(), qkv.f32(), view_of(expected, shape));
  for_each_replacement(Operator::attention, [&](Device& device) {
    const Tensor out(cpu_device(), type, shape);
    apply(device, qkv.tensor, out);
    EXPECT_LT(relative_error(floats_of(out), expected), rounding(type))
        << to_string(shape) << " heads " << c.heads << " window " << c.window << (c.relative ? " relative " : " ")
        << name_of(type);
  });
}

TEST(LoweredEncoderAttention, RandomShapes) {
  Random random(1);
  for (int round = 0; round < 40; ++round) {
    const int window = random.coin() ? static_cast<int>(random.between(1, 9)) : 0;
    check({random.between(1, 2), random.between(1, 12), random.between(1, 12), static_cast<int>(random.between(1, 3)),
           2 * random.between(1, 20), window, random.coin()},
          any_type(random), random);
  }
}

TEST(LoweredEncoderAttention, QueriesShareKeysAndSeeNoneBehindThem) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    const int kv_heads = static_cast<int>(random.between(1, 3));
    const int64_t height = random.between(1, 9);
    const int64_t width = random.between(1, 12);
    const bool causal = random.coin();
    const int window = causal || random.coin() ? 0 : static_cast<int>(random.between(1, 7));
    check({2, height, width, kv_heads * static_cast<int>(random.between(1, 4)), 2 * random.between(1, 20), window,
           random.coin(), kv_heads, causal, random.between(0, height * width + 1)},
          any_type(random), random);
  }
  check({1, 1, 3001, 4, 8, 0, false, 2, true, 1500}, DataType::f32, random);
}

// So many places that queries are worked on in several blocks, which end within lines.
TEST(LoweredEncoderAttention, InBlocks) {
  Random random(2);
  check({1, 61, 67, 2, 8, 0, true}, DataType::f32, random);
  check({1, 1, 3001, 3, 8, 0, false}, DataType::f32, random);
}

}  // namespace
}  // namespace lectern
