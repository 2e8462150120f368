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
    for_each_replacement(Operator::copy, [&](Device& device) {
      const Tensor out(cpu_device(), type, {shape[0], out_stride});
      const float nine = 9;
      cpu_device().rearrange(
          {StridedView({reinterpret_cast<const std::byte*>(&nine), DataType::f32, {1}}, 0, out.shape(), {0, 0}), out});
      device.copy({in.tensor.view().at(0, {shape[0], shape[1]}), in_stride, out.view().at(0, {shape[0], shape[1]}),
                   out_stride});
      const std::vector<float> got = floats_of(out);
      for (int64_t i = 0; i < shape[0] * out_stride; ++i) {
        const int64_t row = i / out_stride;
        const int64_t column = i % out_stride;
        const float expected = column < shape[1] ? in.wide[static_cast<size_t>(row * in_stride + column)] : 9.0f;
        ASSERT_NEAR(got[static_cast<size_t>(i)], expected, rounding(type));
      }
    });
  }
}

TEST(LoweredElementwise, AddAndMultiplyRepeatTheSecond) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    const Shape shape = {random.between(1, 4), random.between(1, 5), random.between(1, 9)};
    const Shape last = random.coin() ? shape : Shape{shape[1], shape[2]};
    const DataType type = any_type(random);
    const TypedValues a(random, type, shape);
    const TypedValues b(random, type, last);
    for (const Operator which : {Operator::add, Operator::multiply}) {
      const auto apply = [&](Device& device, const TensorView& x, const TensorView& y, const MutableTensorView& out) {
        which == Operator::add ? device.add({x, y, out}) : device.multiply({x, y, out});
      };
      const Tensor expected(cpu_device(), DataType::f32, shape);
      apply(cpu_device(), a.f32(), b.f32(), expected);
      const DataType own = which == Operator::add ? DataType::f32 : type;
      for_each_replacement(which, [&](Device& device) {
        const Tensor out(cpu_device(), own, shape);
        apply(device, own == DataType::f32 ? a.f32() : a.tensor.view(),
              own == DataType::f32 ? b.f32() : b.tensor.view(), out);
        EXPECT_LT(relative_error(floats_of(out), floats_of(expected)), rounding(own));
      });
    }
  }
}

TEST(LoweredElementwise, MinusOfAnyStrides) {
  Random random(3);
  const std::vector<float> a = random.values(60);
  const std::vector<float> b = random.values(4);
  for_each_replacement(Operator::minus, [&](Device& device) {
    std::vector<float> out(60);
    device.minus({.a = StridedView(view_of(a, {60}), 0, {4, 15}, {1, 4}),
                  .b = StridedView(view_of(b, {4}), 0, {4, 15}, {1, 0}),
                  .out = MutableStridedView(view_of(out, {60}), 0, {4, 15}, {1, 4})});
    for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], a[i] - b[i % 4]);
    device.minus({.a = view_of(out, {60}), .number = 2, .out = view_of(out, {60})});
    for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], a[i] - b[i % 4] - 2);
  });
}

TEST(LoweredElementwise, Pixels) {
  std::vector<uint8_t> first(8 * 8 * 3);
  std::iota(first.begin(), first.end(), uint8_t{0});
  std::vector<uint8_t> second(first.rbegin(), first.rend());
  second.back() = 255;
  const std::array<const uint8_t*, 2> views = {first.data(), second.data()};
  const auto widen = [&](Device& device) {
    std::vector<float> out(2 * 8 * 8 * 3);
    device.pixels({views, 8, view_of(out, {2, 8, 8, 3})});
    return out;
  };
  for_each_replacement(Operator::pixels, [&](Device& device) { EXPECT_EQ(widen(device), widen(cpu_device())); });
}

}  // namespace
}  // namespace lectern
