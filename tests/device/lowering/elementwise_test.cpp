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

TEST(LoweredElementwise, CopyConvertsAndKeepsWhatLiesBetween) {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    const Shape shape = {random.between(1, 9), random.between(1, 20)};
    const int64_t in_stride = shape[1] + random.between(0, 5);
    const int64_t out_stride = shape[1] + random.between(0, 5);
    const TypedValues in(random, any_type(random), {shape[0], in_stride});
    const DataType type = any_type(random);
    const Tensor out(cpu_device(), type, {shape[0], out_stride});
    const float nine = 9;
    cpu_device().copy(
        {StridedView({reinterpret_cast<const std::byte*>(&nine), DataType::f32, {1}}, 0, out.shape(), {0, 0}), out});
    cpu_device().copy(
        {StridedView(in.tensor, 0, shape, {in_stride, 1}), MutableStridedView(out, 0, shape, {out_stride, 1})});
    const std::vector<float> got = floats_of(out);
    for (int64_t i = 0; i < shape[0] * out_stride; ++i) {
      const int64_t row = i / out_stride;
      const int64_t column = i % out_stride;
      const float expected = column < shape[1] ? in.wide[static_cast<size_t>(row * in_stride + column)] : 9.0f;
      ASSERT_NEAR(got[static_cast<size_t>(i)], expected, rounding(type));
    }
  }
}

// Of narrower types, which are computed in f32.
TEST(LoweredElementwise, MultiplyRepeatsTheSecond) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    const Shape shape = {random.between(1, 4), random.between(1, 5), random.between(1, 9)};
    const Shape last = random.coin() ? shape : Shape{shape[1], shape[2]};
    for (const DataType type : {DataType::f16, DataType::bf16}) {
      const TypedValues a(random, type, shape);
      const TypedValues b(random, type, last);
      const Tensor out(cpu_device(), type, shape);
      ASSERT_NE(cpu_device().operators().lowering(Operator::multiply, type), nullptr);
      cpu_device().multiply({.a = a.tensor, .b = broadcast(b.tensor, shape), .out = out});
      const std::vector<float> got = floats_of(out);
      std::vector<float> expected(a.wide.size());
      for (size_t i = 0; i < expected.size(); ++i) expected[i] = a.wide[i] * b.wide[i % b.wide.size()];
      EXPECT_LT(relative_error(got, expected), rounding(type));
      cpu_device().multiply({.a = a.tensor, .number = 0.5f, .out = out});
      for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(floats_of(out)[i], a.wide[i] * 0.5f);
    }
  }
}

TEST(LoweredElementwise, SubtractOfAnyStrides) {
  Random random(3);
  const std::vector<float> a = random.values(60);
  const std::vector<float> b = random.values(4);
  for_each_replacement(Operator::subtract, [&](Device& device) {
    std::vector<float> out(60);
    device.subtract({.a = StridedView(view_of(a, {60}), 0, {4, 15}, {1, 4}),
                     .b = StridedView(view_of(b, {4}), 0, {4, 15}, {1, 0}),
                     .out = MutableStridedView(view_of(out, {60}), 0, {4, 15}, {1, 4})});
    for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], a[i] - b[i % 4]);
    device.subtract({.a = view_of(out, {60}), .number = 2, .out = view_of(out, {60})});
    for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], a[i] - b[i % 4] - 2);
  });
}

TEST(LoweredElementwise, Pixels) {
  std::vector<uint8_t> first(8 * 8 * 3);
  std::iota(first.begin(), first.end(), uint8_t{0});
  std::vector<uint8_t> second(first.rbegin(), first.rend());
  second.back() = 255;
  first.insert(first.end(), second.begin(), second.end());
  const TensorView levels(reinterpret_cast<const std::byte*>(first.data()), DataType::u8, {2, 8, 8, 3});
  const auto widen = [&](Device& device) {
    std::vector<float> out(2 * 8 * 8 * 3);
    device.normalize_pixels({levels, view_of(out, {2, 8, 8, 3})});
    return out;
  };
  for_each_replacement(Operator::normalize_pixels,
                       [&](Device& device) { EXPECT_EQ(widen(device), widen(cpu_device())); });
}

}  // namespace
}  // namespace lectern
